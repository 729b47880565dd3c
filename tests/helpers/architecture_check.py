"""Does an architecture decode as Hugging Face's `generate` does, with drafts of every kind?"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from helpers.drafters import Prophet, good_makers
from helpers.plain_decode import plain_decode
from helpers.tiny_architectures import VOCABULARY, silence
from quoth.decoding import Decoder, DecodingConfig, Reference
from quoth.errors import UnsupportedModelError

NEW_TOKENS = 40
CONFIG = DecodingConfig(max_draft_tokens=12, key_block=24)
PROMPTS = ((6, 1), (45, 2))  # length and seed: shorter and longer than the sliding windows of 16
DRAFTERS = ("oracle", "half_right", "noise", "eos_inside", "tree")
_LOOKUP_TOKENS = 8
_TIE = 2e-4  # of the range of a row's logits


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one architecture.

    `quoth` is "accelerated", "plain", "refused" or a fault: "different" or "crash"; `lookup`, for
    Hugging Face's prompt lookup, "equal", "different" or "error".
    """

    quoth: str
    reason: str = ""
    lookup: str
    lookup_reason: str = ""
    trees: bool = False
    plain_passes: int = 0
    drafted_passes: int = 0


def check(model: PreTrainedModel) -> Verdict:
    """Decode with a tiny model in every way."""
    with silence():
        try:
            expected = [greedy(model, prompt_of(*each)) for each in PROMPTS]
        except Exception as error:  # noqa: BLE001 - whatever a foreign model raises
            expected = [_reread(model, prompt_of(*each)) for each in PROMPTS]
            lookup = ("error", first_line(error))
        else:
            lookup = _lookup(model, expected)
        kind, reason, passes = _quoth(model, expected)
        trees = kind == "accelerated" and _takes_trees(model)
    return Verdict(
        quoth=kind,
        reason=reason,
        lookup=lookup[0],
        lookup_reason=lookup[1],
        trees=trees,
        plain_passes=passes[0],
        drafted_passes=passes[1],
    )


def prompt_of(length: int, seed: int) -> list[int]:
    """Tokens of a small alphabet, so that phrases recur; none is a special token."""
    chance = random.Random(seed)
    return [chance.randrange(3, 12) for _ in range(length)]


def greedy(model: PreTrainedModel, prompt: Sequence[int], **options: object) -> list[int]:
    """What `generate` writes."""
    input_ids = torch.tensor([list(prompt)])
    output = model.generate(
        input_ids,
        attention_mask=torch.ones_like(input_ids),
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        pad_token_id=0,
        **options,
    )
    tokens: list[int] = output[0, len(prompt) :].tolist()
    return tokens


def _reread(model: PreTrainedModel, prompt: list[int]) -> list[int]:
    """What is to be expected where `generate` fails: the best token after each whole text."""
    try:
        return plain_decode(model, prompt, max_new_tokens=NEW_TOKENS)[0]
    except Exception:  # noqa: BLE001 - then there is no text to expect
        return []


def _lookup(model: PreTrainedModel, expected: Sequence[list[int]]) -> tuple[str, str]:
    for each, right in zip(PROMPTS, expected, strict=True):
        try:
            tokens = greedy(model, prompt_of(*each), prompt_lookup_num_tokens=_LOOKUP_TOKENS)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the result
            return "error", first_line(error)
        if tokens != right:
            return "different", _difference(model, prompt_of(*each), right, tokens)
    return "equal", ""


def _quoth(
    model: PreTrainedModel, expected: Sequence[list[int]]
) -> tuple[str, str, tuple[int, int]]:
    passes = (0, 0)
    try:
        decoder = Decoder(model, config=CONFIG)
        for each, right in zip(PROMPTS, expected, strict=True):
            prompt = prompt_of(*each)
            plain = decoder.generate(prompt, max_new_tokens=NEW_TOKENS, drafting="none")
            if list(plain.token_ids) != right:
                found = _difference(model, prompt, right, plain.token_ids)
                return "different", f"plain, {found}", passes
            wrong, best = _drafted(decoder, prompt, right)
            if wrong:
                return "different", wrong, passes
            passes = (passes[0] + plain.stats.forward_passes, passes[1] + best)
    except UnsupportedModelError as error:
        return "refused", str(error), passes
    except Exception as error:  # noqa: BLE001 - a fault to be shown
        return "crash", first_line(error), passes
    return "accelerated" if passes[1] < passes[0] else "plain", "", passes


def _drafted(decoder: Decoder, prompt: Sequence[int], right: list[int]) -> tuple[str, int]:
    """The first way of drafting that changed the text, and the passes that the oracle took."""
    best = 0
    eos = right[len(right) // 2]
    makers = good_makers(3, VOCABULARY, eos)
    for name in DRAFTERS:
        drafter = Prophet(name, right, makers[name])
        drafted = decoder.generate(prompt, max_new_tokens=len(right), drafting=drafter)
        if list(drafted.token_ids) != right:
            return f"{name}, {_difference(decoder.model, prompt, right, drafted.token_ids)}", best
        best = drafted.stats.forward_passes if name == "oracle" else best
    drafter = Prophet("until eos", right, makers["half_right"])
    ended = decoder.generate(prompt, drafting=drafter, eos_token_ids=[eos])
    if list(ended.token_ids) != right[: right.index(eos) + 1]:
        return "up to EOS", best
    copied = decoder.generate(prompt, [Reference("r", right[3:30])], max_new_tokens=len(right))
    if list(copied.token_ids) != right:
        return "reference", best
    return "", best


def _takes_trees(model: PreTrainedModel) -> bool:
    """Whether drafts may fork in bfloat16."""
    halved = Decoder(model.to(torch.bfloat16), config=CONFIG)
    return halved._new_verifier().takes_trees


@torch.inference_mode()
def _difference(
    model: PreTrainedModel, prompt: Sequence[int], right: Sequence[int], wrong: Sequence[int]
) -> str:
    """Where two texts part, and by how much the logits of the two tokens differ there."""
    place = next(
        (at for at, pair in enumerate(zip(right, wrong, strict=False)) if pair[0] != pair[1]),
        min(len(right), len(wrong)),
    )
    if place >= min(len(right), len(wrong)):
        return f"{len(wrong)} tokens instead of {len(right)}"
    row = model(input_ids=torch.tensor([[*prompt, *right[:place]]])).logits[0, -1].float()
    gap = float((row[right[place]] - row[wrong[place]]).abs() / (row.max() - row.min()))
    return f"token {place}: gap {gap:.1e}" + (" (a tie)" if gap < _TIE else "")


def first_line(error: Exception) -> str:
    """The error's kind and the beginning of its message."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"
