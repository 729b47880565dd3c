"""What the model is shown: a question over passages, and the answer that quotes them."""

from __future__ import annotations

from dataclasses import dataclass

from quoth.decoding.training.prompts import REFUSAL, question_message, quoting_answer
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER


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


def render_prompt(example: Example) -> str:
    """The prompt as the chat template renders it, generation prompt included (a test compares)."""
    roles = {"user": USER, "assistant": ASSISTANT}
    turns = [f"{roles[turn['role']]}{turn['content']}{END}" for turn in example.messages]
    return "".join([*turns, ASSISTANT])
