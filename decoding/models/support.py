"""Can this model be decoded with? Tried once, when a decoder is made, on a few tokens.

A model is believed only if steps with a roll-back between them give the logits of one pass over the
whole text. Models that build their masks in their own way get the key layout of transformers.
The same trial shows whether a row's logits depend on the rows beside it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.verify import Verifier
from quoth.errors import UnsupportedModelError

logger = logging.getLogger(__name__)

_PROMPT, _TEXT = 5, 9  # tokens of the trial: read at once, and in all
_PLAIN_PASSES = 2  # compared with a pass over the whole text; they are what the trial costs
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}  # of the logits' range
_TREE = (-1, 0, 1, -1, 3)  # parents: two branches
_TREE_CONTEXT = 60  # tokens before it; sums over a few keys round alike
_FORKING_TYPES = (torch.bfloat16,)  # float16 passes the trial and differs later: docs/log.md
_COARSE_TOLERANCE = 0.2  # half precision; a wrong cache is off by more


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a model is decoded with.

    `is_row_invariant` says that a wider pass gave the bits of plain passes at every position of the
    trial. It was tried on a few tokens and one width: evidence, and no proof. The configuration
    allows forks only if a second branch gave the logits of plain passes too: with attention that
    counts places in the cache (ALiBi) they are wrong, in float32 most are rounded otherwise.
    """

    config: DecodingConfig
    is_row_invariant: bool


def model_support(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> Support:
    """The configuration with a key layout that the model can work with, and what it gives.

    Warns where plain and wider passes differ: nearly equal scores may then be decided differently.

    Raises:
        UnsupportedModelError: The model's cache cannot be rolled back, or gives other logits.
    """
    text = [(7 * index + 3) % vocabulary_size for index in range(min(_TEXT, window))]
    layouts = [config, replace(config, key_block=0)] if config.key_block else [config]
    problem = ""
    for layout in layouts:
        try:
            problem = _problem(model, layout, text, window)
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
        if not problem:
            noise = _row_noise(model, layout, text, window)
            forks = layout.forks and not noise and model.dtype in _FORKING_TYPES
            if forks:
                forks = _forks_well(model, layout, window=window, vocabulary_size=vocabulary_size)
            return Support(config=replace(layout, forks=forks), is_row_invariant=not noise)
    raise UnsupportedModelError(
        f"The model type {model.config.model_type!r} cannot be decoded with: {problem}. Choose a "
        f"causal language model whose layers all use attention."
    )


@torch.inference_mode()
def _problem(
    model: PreTrainedModel, config: DecodingConfig, text: Sequence[int], window: int
) -> str:
    """What is wrong with decoding `text` in steps; empty if nothing is."""
    whole = model(input_ids=torch.tensor([list(text)], device=model.device)).logits[0].float()
    stepwise = _in_steps(Verifier(model, config, window=window), text)
    error = float((whole[-len(stepwise) :] - stepwise).abs().max())
    spread = float(whole.max() - whole.min())
    if error <= _TOLERANCE.get(model.dtype, _COARSE_TOLERANCE) * max(spread, 1e-6):
        return ""
    return f"after a roll-back its logits are off by {error:.2g} (their range is {spread:.2g})"


def _row_noise(
    model: PreTrainedModel, config: DecodingConfig, text: Sequence[int], window: int
) -> float:
    """By how much a wide pass differs from plain ones in its last rows; warns if it does.

    The last rows, because kernels treat the end of their work differently.
    """
    verifier = Verifier(model, config, window=window)
    verifier.prefill(text[:1])
    wide = verifier.verify(text[1], Draft.chain(text[2 : 2 + verifier.room]))
    end = 1 + len(wide)
    differing = 0.0
    for position in range(max(1, end - _PLAIN_PASSES), end):
        verifier.keep(position)
        plain = verifier.verify(text[position], NO_DRAFT)[0]
        differing = max(differing, float((plain - wide[position - 1]).abs().max()))
    if differing:
        logger.warning(
            "The model type %r in %s on %s computes a row of logits differently beside other rows "
            "(by up to %.2g). Where two scores are that close, an answer may differ from plain "
            "decoding; use drafting='none' where that matters.",
            model.config.model_type,
            str(model.dtype).removeprefix("torch."),
            model.device,
            differing,
        )
    return differing


def _forks_well(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> bool:
    """Whether the second branch of a draft gets the bits of plain passes, and its keys stay.

    A model that cannot read forked drafts at all, since it takes no mask of its own, does not.
    """
    length = min(_TREE_CONTEXT, window - 2 * len(_TREE))
    text = [(11 * index + 5) % vocabulary_size for index in range(length + len(_TREE))]
    verifier = Verifier(model, config, window=window)
    if length < 1 or not verifier.takes_trees:
        return False
    verifier.prefill(text[:length])
    if verifier.room < len(_TREE):
        return False
    try:
        return _branch_equals_plain(verifier, text, length)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
        return False


def _branch_equals_plain(verifier: Verifier, text: Sequence[int], length: int) -> bool:
    """Whether the text's next tokens get equal logits behind a wrong branch and one by one."""
    last, *right = text[length : length + 3]
    draft = Draft(tokens=(*text[:3], *right), parents=_TREE, origins=(None,) * len(_TREE))
    rows = [*verifier.verify(last, draft)[-2:]]
    verifier.keep(length + 1, nodes=(3, 4))
    rows.append(verifier.verify(text[length + 3], NO_DRAFT)[0])
    verifier.keep(length)
    verifier.verify(last, NO_DRAFT)
    verifier.keep(length + 1)
    for position, row in zip(range(length + 1, length + 4), rows, strict=True):
        if not torch.equal(verifier.verify(text[position], NO_DRAFT)[0], row):
            return False
        verifier.keep(position + 1)
    return True


def _in_steps(
    verifier: Verifier,
    text: Sequence[int],
) -> Tensor:  # [len(text) - prompt + 1, V]
    """The logits from the end of the prompt on, with a wrong draft rolled back at each token."""
    prompt = min(_PROMPT, len(text) - 1)
    rows = [verifier.prefill(text[:prompt])]
    for position in range(prompt, len(text)):
        wrong = Draft.chain([text[0]] * min(2, verifier.room)) if position % 2 else NO_DRAFT
        rows.append(verifier.verify(text[position], wrong)[:1])
        verifier.keep(position + 1)
    return torch.cat(rows)
