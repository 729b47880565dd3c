"""Scores of free greedy generation; teacher-forced accuracy would hide wrong selection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.examples import Example, render_prompt
from quoth.decoding.training.prompts import REFUSAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import NemotronForCausalLM, PreTrainedTokenizerFast

_ANSWER = re.compile(r"\[(\d)\] (.*)", re.DOTALL)
_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationScores:
    """Shares between 0 and 1 over held-out questions, generated freely.

    ``verbatim`` and ``verbatim_chars`` are over answers that quote, ``right_*`` over answerable
    questions (a refusal counts as wrong), ``first_passage`` is what always quoting passage 1 gets.
    """

    num_questions: int
    num_answerable: int
    verbatim: float
    verbatim_chars: float
    right_number: float
    right_passage: float
    right_sentence: float
    answer_in_quote: float
    first_passage: float
    refusal_precision: float
    refusal_recall: float


def score(examples: Sequence[Example], answers: Sequence[str]) -> GenerationScores:
    """Compare generated answers with what each example wanted."""
    pairs = list(zip(examples, answers, strict=True))
    quoting = [(e, _quote(a)) for e, a in pairs if a != REFUSAL]
    asked = [(e, a) for e, a in pairs if e.quotes]
    refused = [e for e, a in pairs if a == REFUSAL]
    unanswerable = len(pairs) - len(asked)
    return GenerationScores(
        num_questions=len(pairs),
        num_answerable=len(asked),
        verbatim=_share([any(_stands_in(q, p) for p in e.passages) for e, q in quoting]),
        verbatim_chars=_share([_longest_copy(q, e.passages) for e, q in quoting]),
        right_number=_share([_number(a) in _golds(e) for e, a in asked]),
        right_passage=_share(
            [any(_stands_in(_quote(a), e.passages[g]) for g in _golds(e)) for e, a in asked]
        ),
        right_sentence=_share([_is_wanted(_quote(a), e) for e, a in asked]),
        answer_in_quote=_share([any(x in _quote(a) for x in e.answers) for e, a in asked]),
        first_passage=_share([0 in _golds(e) for e, _ in asked]),
        refusal_precision=_share([not e.quotes for e in refused]),
        refusal_recall=sum(not e.quotes for e in refused) / max(1, unanswerable),
    )


@torch.inference_mode()
def generate_answers(
    model: NemotronForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Example],
    *,
    max_new_tokens: int = 100,
) -> list[str]:
    """Greedy answers, batched by length with padding on the left."""
    prompts = [
        tokenizer(render_prompt(example), add_special_tokens=False)["input_ids"]
        for example in examples
    ]
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers = [""] * len(prompts)
    for begin in range(0, len(order), _BATCH):
        chosen = order[begin : begin + _BATCH]
        width = max(len(prompts[index]) for index in chosen)
        pads = [width - len(prompts[index]) for index in chosen]
        ids = [[tokenizer.pad_token_id] * p + prompts[i] for i, p in zip(chosen, pads, strict=True)]
        mask = [[0] * p + [1] * (width - p) for p in pads]
        generated = model.generate(  # type: ignore[misc]  # the mixin types self as a protocol
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        for index, row in zip(chosen, generated[:, width:].tolist(), strict=True):
            answers[index] = str(tokenizer.decode(row, skip_special_tokens=True))
    return answers


def _number(answer: str) -> int | None:
    match = _ANSWER.fullmatch(answer)
    return int(match.group(1)) - 1 if match else None


def _quote(answer: str) -> str:
    match = _ANSWER.fullmatch(answer)
    return match.group(2) if match else answer


def _golds(example: Example) -> set[int]:
    return {quote.passage for quote in example.quotes if quote.passage is not None}


def _stands_in(quote: str, passage: str) -> bool:
    return bool(quote.strip()) and quote in passage


def _is_wanted(quote: str, example: Example) -> bool:
    return [example.quoted(wanted) for wanted in example.quotes] == [quote]


def _longest_copy(quote: str, passages: Sequence[str]) -> float:
    """The longest stretch of the quote that stands in one passage, as a share of the quote."""
    if not quote:
        return 0.0
    longest = 0
    for passage in passages:
        matcher = SequenceMatcher(None, quote, passage, autojunk=False)
        longest = max(longest, matcher.find_longest_match().size)
    return longest / len(quote)


def _share(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
