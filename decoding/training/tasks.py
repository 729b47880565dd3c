"""Examples without end, from ranked questions and from technical documents.

``Mixture`` draws from both. How many passages, how long, in which order and whether any of them
answers are random, within the bounds that the curriculum's stage sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.decoding.training.examples import Example
from quoth.decoding.training.prompts import REFUSAL, quoting_answer
from quoth.decoding.training.questions import WordRarity, make_question, words_of
from quoth.decoding.training.ranking import RankedQuestion
from quoth.decoding.training.sentences import Range, split_passages, split_sentences

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from quoth.decoding.training.sources import Document

_ATTEMPTS = 50
_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShape:
    """Bounds and shares of one stage of the curriculum."""

    min_passages: int = 1
    max_passages: int = 4
    max_chars: int = 800
    real_share: float = 0.5
    unanswerable_share: float = 0.12
    shuffled_share: float = 0.4
    history_share: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.min_passages <= self.max_passages <= 9:
            raise ValueError(f"passages from {self.min_passages} to {self.max_passages}")


class Mixture:
    """Draws examples; the same generator state gives the same examples."""

    def __init__(
        self,
        questions: Sequence[RankedQuestion],
        documents: Sequence[Document],
        rarity: WordRarity,
    ) -> None:
        """Keep the material; either kind may be empty, not both."""
        if not questions and not documents:
            raise ValueError("no training material")
        self._questions = questions
        self._documents = documents
        self.rarity = rarity

    def draw(self, shape: TaskShape, rng: random.Random) -> Example:
        """One example of the given shape."""
        is_real = bool(self._questions) and (not self._documents or rng.random() < shape.real_share)
        for _ in range(_ATTEMPTS):
            ranked = rng.choice(self._questions) if is_real else self._made_up(shape, rng)
            if ranked is not None:
                example = select_passages(ranked, shape, rng)
                return self._with_history(example, shape, rng)
        raise ValueError(f"no sentence in {_ATTEMPTS} documents gives a question")

    def _made_up(self, shape: TaskShape, rng: random.Random) -> RankedQuestion | None:
        """A question made from one sentence of a document, ranked among its neighbours."""
        window = _window(rng.choice(self._documents).text, shape.max_chars, rng)
        if not window:
            return None
        gold = rng.randrange(len(window))
        quotes = [span for span in split_sentences(window[gold]) if _is_telling(window[gold], span)]
        if not quotes:
            return None
        start, end = rng.choice(quotes)
        question = make_question(window[gold][start:end], self.rarity, rng)
        if question is None:
            return None
        scores = [self.rarity.overlap(question, passage) for passage in window]
        order = sorted(range(len(window)), key=lambda index: -scores[index])
        return RankedQuestion(
            question=question,
            answers=(window[gold][start:end],),
            passages=tuple(window[index] for index in order),
            gold=order.index(gold),
            quote=(start, end),
        )

    def _with_history(self, example: Example, shape: TaskShape, rng: random.Random) -> Example:
        if rng.random() >= shape.history_share or not self._questions:
            return example
        earlier = rng.choice(self._questions)
        start, end = earlier.quote
        quoted = quoting_answer(rng.randint(1, 3), earlier.passages[earlier.gold][start:end])
        answer = REFUSAL if rng.random() < shape.unanswerable_share else quoted
        return Example(
            question=example.question,
            passages=example.passages,
            gold=example.gold,
            quote=example.quote,
            answers=example.answers,
            history=((earlier.question, answer),),
        )


def select_passages(ranked: RankedQuestion, shape: TaskShape, rng: random.Random) -> Example:
    """Some of the ranked passages, in ranked order or shuffled, with or without the gold one."""
    wanted = rng.randint(shape.min_passages, shape.max_passages)
    others = [
        index
        for index, passage in enumerate(ranked.passages)
        if index != ranked.gold and not ranked.is_answered_in(passage)
    ][: wanted + 1]
    is_answerable = rng.random() >= shape.unanswerable_share or not others
    kept = others[:wanted]
    if is_answerable:
        kept = sorted([ranked.gold, *rng.sample(others, min(wanted - 1, len(others)))])
    if rng.random() < shape.shuffled_share:
        rng.shuffle(kept)
    passages, quote = [ranked.passages[index] for index in kept], ranked.quote
    if is_answerable:
        place = kept.index(ranked.gold)
        passages[place], quote = _cut(passages[place], quote, shape.max_chars)
    return Example(
        question=ranked.question,
        passages=tuple(
            passage if index == ranked.gold else _cut(passage, (0, 0), shape.max_chars)[0]
            for index, passage in zip(kept, passages, strict=True)
        ),
        gold=kept.index(ranked.gold) if is_answerable else None,
        quote=quote if is_answerable else (0, 0),
        answers=ranked.answers,
    )


def _cut(passage: str, quote: Range, max_chars: int) -> tuple[str, Range]:
    """The part of a passage around the quote that fits, in whole sentences, and its quote."""
    if len(passage) <= max_chars:
        return passage, quote
    start, end = quote
    sentences = split_sentences(passage)
    begin = min((s for s, _ in sentences if end - s <= max_chars and s <= start), default=start)
    finish = max((e for _, e in sentences if e - begin <= max_chars), default=max(end, begin))
    finish = max(finish, end, min(len(passage), begin + 40))
    return passage[begin:finish], (start - begin, end - begin)


def _window(text: str, max_chars: int, rng: random.Random) -> list[str]:
    """Neighbouring passages from a random place of a document."""
    size = rng.randint(min(160, max_chars), max_chars)
    begin = rng.randrange(max(1, len(text) - size))
    part = text[begin : begin + size * (_NEIGHBOURS + 1)]
    passages = [part[start:end] for start, end in split_passages(part, max_chars=size)]
    return [p for p in passages[1:-1] if 60 <= len(p) <= max_chars][:_NEIGHBOURS]


def _is_telling(passage: str, span: Range) -> bool:
    start, end = span
    return 30 <= end - start <= 400 and len(words_of(passage[start:end])) >= 5
