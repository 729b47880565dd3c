"""Does an architecture decode as Hugging Face's `generate` does, with drafts of every kind?"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from transformers import PreTrainedModel

from helpers.drafters import Prophet, good_makers
from helpers.tiny_architectures import VOCABULARY, silence
from quoth.decoding import Decoder, DecodingConfig, Draft, Reference
from quoth.errors import UnsupportedModelError

NEW_TOKENS = 24
CONFIG = DecodingConfig(max_draft_tokens=12, key_block=24)
DRAFTERS = ("oracle", "half_right", "noise", "eos_inside", "tree")
_LOOKUP_TOKENS = 8
_LAST_TOKENS, _LONG = 6, 1000
_TIE = 2e-4  # of the range of a row's logits


def _prompt(length: int, seed: int) -> list[int]:
    """Tokens of a small alphabet, so that phrases recur; none is a special token."""
    chance = random.Random(seed)
    return [chance.randrange(3, 12) for _ in range(length)]


PROMPTS = (_prompt(6, 1), _prompt(45, 2))  # shorter and longer than the sliding windows of 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one architecture.

    `quoth` is "accelerated", "plain", "refused" or a fault: "different" or "crash"; `lookup`, for
    Hugging Face's prompt lookup, "equal", "different" or "error". `memory` is what the decoder
    keeps between passes: "keys", "states", "own states" or "text". Passes are those of all prompts
    without drafts and with right ones.
    """

    quoth: str
    reason: str = ""
    lookup: str = ""
    lookup_reason: str = ""
    memory: str = ""
    trees: bool = False
    plain_passes: int = 0
    drafted_passes: int = 0


def check(model: PreTrainedModel, prompts: Sequence[list[int]] = PROMPTS) -> Verdict:
    """Decode with a tiny model in every way."""
    with silence():
        try:
            expected = [greedy(model, prompt) for prompt in prompts]
        except Exception as error:  # noqa: BLE001 - whatever a foreign model raises
            expected = [_reread(model, prompt) for prompt in prompts]
            lookup = ("error", first_line(error))
        else:
            lookup = _lookup(model, prompts, expected)
        verdict = _quoth(model, prompts, expected)
        return replace(verdict, lookup=lookup[0], lookup_reason=lookup[1])


def check_quickly(model: PreTrainedModel) -> Verdict:
    """Decode with a tiny model once, across its sliding window and a border of keys."""
    with silence():
        expected = [greedy(model, prompt) for prompt in PROMPTS[1:]]
        return _quoth(model, PROMPTS[1:], expected)


def greedy(
    model: PreTrainedModel,
    prompt: Sequence[int],
    max_new_tokens: int = NEW_TOKENS,
    **options: object,
) -> list[int]:
    """What `generate` writes."""
    input_ids = torch.tensor([list(prompt)])
    output = model.generate(
        input_ids,
        attention_mask=torch.ones_like(input_ids),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=0,
        **options,
    )
    tokens: list[int] = output[0, len(prompt) :].tolist()
    return tokens


@torch.inference_mode()
def _reread(model: PreTrainedModel, prompt: list[int]) -> list[int]:
    """What is to be expected where `generate` fails: the best token after each whole text."""
    text = list(prompt)
    try:
        for _ in range(NEW_TOKENS):
            row = model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -1]
            text.append(int(row.argmax()))
    except Exception:  # noqa: BLE001 - then there is no text to expect
        return []
    return text[len(prompt) :]


def _lookup(
    model: PreTrainedModel, prompts: Sequence[list[int]], expected: Sequence[list[int]]
) -> tuple[str, str]:
    for prompt, right in zip(prompts, expected, strict=True):
        try:
            tokens = greedy(model, prompt, prompt_lookup_num_tokens=_LOOKUP_TOKENS)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the result
            return "error", first_line(error)
        if tokens != right:
            return "different", _difference(model, prompt, right, tokens)
    return "equal", ""


def _quoth(
    model: PreTrainedModel, prompts: Sequence[list[int]], expected: Sequence[list[int]]
) -> Verdict:
    try:
        decoder = Decoder(model, config=CONFIG)
    except UnsupportedModelError as error:
        return Verdict(quoth="refused", reason=str(error))
    except Exception as error:  # noqa: BLE001 - a fault to be shown
        return Verdict(quoth="crash", reason=first_line(error))
    passes = [0, 0]
    for prompt, right in zip(prompts, expected, strict=True):
        try:
            wrong = _compare(decoder, prompt, right, passes)
        except Exception as error:  # noqa: BLE001 - a fault to be shown
            return Verdict(quoth="crash", reason=first_line(error))
        if wrong:
            return Verdict(quoth="different", reason=wrong)
    wrong = at_the_end(decoder)
    if wrong:
        return Verdict(quoth="different", reason=wrong)
    return Verdict(
        quoth="accelerated" if passes[1] < passes[0] else "plain",
        memory=decoder._support.memory,
        trees=decoder._support.config.forks,
        plain_passes=passes[0],
        drafted_passes=passes[1],
    )


def at_the_end(decoder: Decoder) -> str:
    """What is wrong with the last tokens that the window has room for; empty if nothing is."""
    if decoder.max_length > _LONG:
        return ""
    prompt = _prompt(decoder.max_length - _LAST_TOKENS, 3)
    try:
        right = greedy(decoder.model, prompt, max_new_tokens=_LAST_TOKENS)
    except Exception:  # noqa: BLE001 - some classes cannot go so far themselves
        return ""
    for drafter in ("none", Prophet("oracle", right, lambda truth, _: Draft.chain(truth[:4]))):
        try:
            ended = decoder.generate(prompt, drafting=drafter)
        except Exception as error:  # noqa: BLE001 - a fault to be shown
            return f"at the end of the window, {first_line(error)}"
        if list(ended.token_ids) != right:
            found = _difference(decoder.model, prompt, right, ended.token_ids)
            return f"at the end of the window, {found}"
    return ""


def _compare(decoder: Decoder, prompt: list[int], right: list[int], passes: list[int]) -> str:
    """The first difference between what was expected and what the decoder says; counts passes."""
    plain = decoder.generate(prompt, max_new_tokens=len(right), drafting="none")
    if list(plain.token_ids) != right:
        return f"plain, {_difference(decoder.model, prompt, right, plain.token_ids)}"
    wrong, best = _drafted(decoder, prompt, right)
    passes[0] += plain.stats.forward_passes
    passes[1] += best
    return wrong


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
