"""What the model is shown: an example, and its tokens with loss weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.decoding.training.prompts import REFUSAL, question_message, quoting_answer
from quoth.decoding.training.sentences import split_sentences
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from quoth.decoding.training.sentences import Range

IGNORED = -1
"""Relevance label of tokens that stand in no candidate, or in another sentence that answers."""

_FIRST_WEIGHTS = (4.0, 4.0, 2.0, 2.0)
_REPEAT_WEIGHT = 0.2
_MIN_ANSWER = 4  # characters; shorter answers stand everywhere and prove nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Characters ``start`` to ``end`` of a passage, or of an earlier turn's answer.

    Exactly one of ``passage`` and ``turn`` is given; both count from 0.
    """

    start: int
    end: int
    passage: int | None = None
    turn: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a quote from {self.start} to {self.end} is empty")
        if (self.passage is None) == (self.turn is None):
            raise ValueError(f"a quote of passage {self.passage} and of turn {self.turn}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question over numbered passages; without ``quotes``, nothing answers it.

    Attributes:
        quotes: What to say, in this order.
        answers: Strings that answer; other sentences with one of them are not wrong.
        history: Earlier questions with their answers.
        kind: How the question came about, for counting.
    """

    question: str
    passages: tuple[str, ...]
    quotes: tuple[Quote, ...] = ()
    answers: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    kind: str = ""

    def __post_init__(self) -> None:
        for quote in self.quotes:
            places = self.passages if quote.turn is None else self.history
            number = quote.passage if quote.turn is None else quote.turn
            if number is None or not 0 <= number < len(places):
                raise ValueError(f"{quote} of {len(places)} passages or turns")
            if quote.end > len(self._source(quote)):
                raise ValueError(f"{quote} ends behind its text")

    def _source(self, quote: Quote) -> str:
        if quote.turn is not None:
            return self.history[quote.turn][1]
        return self.passages[quote.passage or 0]

    def quoted(self, quote: Quote) -> str:
        """The text of a quote."""
        return self._source(quote)[quote.start : quote.end]

    @property
    def answer(self) -> str:
        """What the model should say: ``[n] sentence`` of a passage, the bare one of a turn.

        Worked example: two sentences of passage 1 give ``[1] A. B.`` where B directly follows A
        (with the white space that stands between them), else ``[1] A. [1] B.``
        """
        return "".join(self.answer_parts) or REFUSAL

    @property
    def answer_parts(self) -> list[str]:
        """The answer cut where its quotes begin; joined they are the answer."""
        parts = []
        for place, quote in enumerate(self.quotes):
            before = self.quotes[place - 1] if place else None
            gap = self._gap(before, quote)
            if gap is not None:
                parts.append(gap + self.quoted(quote))
                continue
            text = self.quoted(quote)
            said = text if quote.passage is None else quoting_answer(quote.passage + 1, text)
            parts.append(f" {said}" if before else said)
        return parts

    def _gap(self, before: Quote | None, quote: Quote) -> str | None:
        """The white space between adjacent quotes of one text; None where they are not adjacent."""
        if before is None or (before.passage, before.turn) != (quote.passage, quote.turn):
            return None
        gap = self._source(quote)[before.end : quote.start]
        return gap if gap and quote.start > before.end and gap.isspace() else None

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation up to the answer, as a chat template takes it."""
        turns = [
            {"role": role, "content": content}
            for question, answer in self.history
            for role, content in (("user", question), ("assistant", answer))
        ]
        content = question_message(self.question, self.passages)
        return [*turns, {"role": "user", "content": content}]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedExample:
    """Token ids; the loss weight of each token as a target; candidates' relevance labels."""

    token_ids: list[int]
    weights: list[float]
    relevance: list[int]


def render_prompt(example: Example) -> str:
    """The prompt as the chat template renders it, generation prompt included (a test compares)."""
    roles = {"user": USER, "assistant": ASSISTANT}
    turns = [f"{roles[turn['role']]}{turn['content']}{END}" for turn in example.messages]
    return "".join([*turns, ASSISTANT])


def encode(example: Example, tokenizer: PreTrainedTokenizerFast) -> EncodedExample:
    """Tokens of prompt and answer; the first tokens of each quote, which select, weigh most."""
    prompt = render_prompt(example)
    encoded = tokenizer(prompt, return_offsets_mapping=True, add_special_tokens=False)
    offsets: list[Range] = encoded["offset_mapping"]
    answer = tokenizer(example.answer + END, return_offsets_mapping=True, add_special_tokens=False)
    repeat_start = prompt.rindex("\n\nQuestion: ") + len("\n\nQuestion:")
    weights = [_REPEAT_WEIGHT if start >= repeat_start else 0.0 for start, _ in offsets]
    weights += _answer_weights(example, answer["offset_mapping"])
    return EncodedExample(
        token_ids=encoded["input_ids"] + answer["input_ids"],
        weights=weights,
        relevance=_relevance(example, prompt, offsets) + [IGNORED] * len(answer["input_ids"]),
    )


def _answer_weights(example: Example, offsets: Sequence[Range]) -> list[float]:
    begins, length = [], 0
    for part in example.answer_parts or [REFUSAL]:
        begins.append(length)
        length += len(part)
    weights, since = [], 0
    for start, _ in offsets:
        if begins and start >= begins[0]:
            begins, since = begins[1:], 0
        weights.append(_FIRST_WEIGHTS[since] if since < len(_FIRST_WEIGHTS) else 1.0)
        since += 1
    return weights


def _relevance(example: Example, prompt: str, offsets: Sequence[Range]) -> list[int]:
    """1 for tokens of quoted sentences, 0 for other ones of passages and earlier answers.

    IGNORED elsewhere, and in sentences that are not quoted but hold an answer.
    """
    labels = [IGNORED] * len(prompt)
    for base, text, wanted in _candidates(example, prompt):
        labels[base : base + len(text)] = [0] * len(text)
        if example.answers and example.quotes:
            for start, end in _also_answering(example, text):
                labels[base + start : base + end] = [IGNORED] * (end - start)
        for quote in wanted:
            size = quote.end - quote.start
            labels[base + quote.start : base + quote.end] = [1] * size
    return [max(labels[start:end], default=IGNORED) for start, end in offsets]


def _candidates(example: Example, prompt: str) -> list[tuple[int, str, list[Quote]]]:
    """Where each earlier answer and each passage begins in the prompt, its text and its quotes."""
    found, cursor = [], 0
    for number, (_, answer) in enumerate(example.history):
        cursor = prompt.index(ASSISTANT, cursor) + len(ASSISTANT)
        found.append((cursor, answer, [q for q in example.quotes if q.turn == number]))
    cursor = prompt.rindex(f"{USER}Question: ") + len(f"{USER}Question: {example.question}")
    for number, passage in enumerate(example.passages):
        cursor += len(f"\n\n[{number + 1}] ")
        found.append((cursor, passage, [q for q in example.quotes if q.passage == number]))
        cursor += len(passage)
    return found


def _also_answering(example: Example, text: str) -> list[Range]:
    telling = [answer for answer in example.answers if len(answer) >= _MIN_ANSWER]
    if not any(answer in text for answer in telling):
        return []
    return [
        (start, end)
        for start, end in split_sentences(text)
        if any(answer in text[start:end] for answer in telling)
    ]
