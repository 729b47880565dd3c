"""A few tokens decoded in steps, to see whether a way of decoding gives a model's own logits.

The steps hold right drafts, wrong ones and none, with roll-backs between them, and another text is
begun among them: a model that keeps its state within itself mixes them up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.expert_rows import has_experts
from quoth.decoding.forward import ForwardPass, Rows

TEXT_LENGTH, PROMPT_LENGTH = 16, 5  # of the trial: in all, and read at once
_TURNS = (
    (0, 2),
    (2, 1),
    (0, 0),
    (0, 0),
    (0, 0),
    (1, 0),
)  # right and wrong tokens of each step's draft
_FINE, _FINE_MOST = 1e-4, 1e-3  # of the logits' range, in float32: what is forgiven, at most
_COARSE, _COARSE_MOST = 0.03, 0.2  # in half precision
_NOISE_FACTOR = 4  # times what rounding was seen to do


class TriedVerifier(Protocol):
    """What the trial needs of a verifier."""

    @property
    def room(self) -> int:
        """How many draft tokens the next pass may have."""
        ...

    def prefill(self, prompt_ids: Sequence[int]) -> Tensor:
        """Logits after the prompt."""
        ...

    def verify(self, last: int, draft: Draft) -> Tensor:
        """Logits after `last` and after every node of the draft."""
        ...

    def keep(self, length: int, nodes: Sequence[int] = ()) -> None:
        """Roll back to `length` tokens and these nodes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """A text and the model's own logits after each of its tokens, the prompt's last one first."""

    text: Sequence[int]
    logits: Tensor  # [len(text) - PROMPT_LENGTH + 1, V]


def one_pass(model: PreTrainedModel, text: Sequence[int], *, window: int) -> Yardstick:
    """What one pass over all of the text gives."""
    whole = whole_logits(model, text, window=window)
    return Yardstick(text=text, logits=whole[_prompt_length(text) - 1 :])


def own_steps(model: PreTrainedModel, text: Sequence[int]) -> Yardstick:
    """What the model's own `generate` gives, step by step, after the prompt of the text."""
    prompt = torch.tensor([list(text[: _prompt_length(text)])], device=model.device)
    output = model.generate(  # type: ignore[operator] # transformers
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=len(text) - prompt.shape[1] + 1,
        do_sample=False,
        eos_token_id=None,
        return_dict_in_generate=True,
        output_logits=True,
    )
    logits = torch.cat(output.logits).float()
    return Yardstick(text=output.sequences[0, : len(text)].tolist(), logits=logits)


def problem_of(
    model: PreTrainedModel, new_verifier: Callable[[], TriedVerifier], yardstick: Yardstick
) -> str:
    """What is wrong with decoding a text in steps; empty if nothing is."""
    right = yardstick.logits
    stepwise = _in_steps(new_verifier, yardstick.text)
    if not bool(right.isfinite().all()):
        return "its logits are not finite"
    errors, spread = (right - stepwise).abs().amax(dim=1), _spread(right)
    error = float(errors.max())
    least, most = _tolerances(model)
    if error <= least * spread:
        return ""
    if error <= min(_NOISE_FACTOR * _noise(new_verifier, yardstick), most * spread):
        return ""
    if (
        has_experts(model)
        and float(errors.median()) <= least * spread
        and error <= most * spread
        and torch.equal(stepwise, _without_drafts(new_verifier, yardstick.text))
    ):
        return ""  # rounding routed a token to another expert; roll-backs have no part in it
    return f"after a roll-back its logits are off by {error:.2g} (their range is {spread:.2g})"


def _noise(new_verifier: Callable[[], TriedVerifier], yardstick: Yardstick) -> float:
    """How far rounding alone carries the logits: read in passes of other lengths, no roll-backs."""
    text, length = yardstick.text, _prompt_length(yardstick.text)
    return max(
        float((new_verifier().prefill(text[:end]) - yardstick.logits[end - length]).abs().max())
        for end in (length, length + 1, len(text) - 1)
    )


def _spread(logits: Tensor) -> float:
    return max(float(logits.max() - logits.min()), 1e-6)


def sees_ahead(model: PreTrainedModel, text: Sequence[int], *, window: int) -> bool:
    """Whether the logits of a text change with what follows it."""
    half = whole_logits(model, text[: len(text) // 2], window=window)
    whole = whole_logits(model, text, window=window)[: len(half)]
    return float((half - whole).abs().max()) > _tolerances(model)[1] * _spread(whole)


def _tolerances(model: PreTrainedModel) -> tuple[float, float]:
    is_fine = model.dtype in (torch.float32, torch.float64)
    return (_FINE, _FINE_MOST) if is_fine else (_COARSE, _COARSE_MOST)


@torch.inference_mode()
def whole_logits(
    model: PreTrainedModel,
    text: Sequence[int],
    *,
    window: int,
) -> Tensor:  # [len(text), V]
    """The logits of one pass over all of a text."""
    rows = Rows(token_ids=text, start=0, end=window)
    logits, _ = ForwardPass(model)(rows, None, use_cache=False)
    return logits.float()


def _in_steps(
    new_verifier: Callable[[], TriedVerifier],
    text: Sequence[int],
) -> Tensor:  # [len(text) - prompt + 1, V]
    """The logits from the end of the prompt on, with right and wrong drafts by turns."""
    verifier = new_verifier()
    position = _prompt_length(text)
    rows = [verifier.prefill(text[:position])]
    new_verifier().prefill(text[::-1][:position])
    turn = 0
    while position < len(text):
        right, wrong = _TURNS[turn % len(_TURNS)]
        turn += 1
        right = min(right, verifier.room, len(text) - position - 1)
        wrong = min(wrong, verifier.room - right)
        ahead = list(text[position + 1 : position + 1 + right])
        draft = Draft.chain([*ahead, *[text[0]] * wrong]) if right + wrong else NO_DRAFT
        rows.append(verifier.verify(text[position], draft)[: 1 + right])
        verifier.keep(position + 1, tuple(range(right)))
        position += 1 + right
    return torch.cat(rows)


def _without_drafts(new_verifier: Callable[[], TriedVerifier], text: Sequence[int]) -> Tensor:
    """The same logits one by one, with nothing to roll back."""
    verifier = new_verifier()
    start = _prompt_length(text)
    rows = [verifier.prefill(text[:start])]
    for position in range(start, len(text)):
        rows.append(verifier.verify(text[position], NO_DRAFT)[:1])
        verifier.keep(position + 1)
    return torch.cat(rows)


def _prompt_length(text: Sequence[int]) -> int:
    return min(PROMPT_LENGTH, len(text) - 1)
