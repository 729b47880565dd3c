"""Examples without end, from ranked questions and from the passages of documents.

``Mixture`` draws from both. How many passages, how long, in which order and whether any of them
answers are random, within the bounds that the curriculum's stage sets.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from quoth.decoding.training.asking import KINDS
from quoth.decoding.training.examples import Example, Quote
from quoth.decoding.training.made_up import Maker, joined, with_other_name
from quoth.decoding.training.sentences import split_sentences
from quoth.decoding.training.turns import Turns

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from quoth.decoding.training.neighbours import Library
    from quoth.decoding.training.ranking import RankedQuestion

_ATTEMPTS = 200
_PARTNERS = 6
_FORUM = frozenset({"squadshifts_amazon_reviews", "squadshifts_reddit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShape:
    """Bounds and shares of one stage of the curriculum.

    Attributes:
        min_passages: The fewest passages of an example; there may be fewer distractors.
        max_passages: The most passages.
        max_chars: Of a passage; only a longer quote makes it longer.
        real_share: Of questions that people asked.
        long_share: Of these, those whose answer has several sentences; there are few.
        unanswerable_share: Of examples without the passage that answers.
        shuffled_share: Of examples whose passages are not in ranked order.
        history_share: Of examples with earlier turns, besides follow-ups.
        follow_up_share: Of questions whose answer stands in an earlier turn.
        forum_share: Of questions on forum posts and product reviews, those that are taken; there
            are many, and their texts are unlike what is asked of documents.
        joined_share: Of two questions in one, with quotes for both.
        swapped_share: Of the unanswerable, those whose question has another name put into it.
        reworded_share: Of made-up questions with words of like meaning.
        kinds: How often each kind of made-up question is tried first.
    """

    min_passages: int = 1
    max_passages: int = 4
    max_chars: int = 800
    real_share: float = 0.5
    long_share: float = 0.03
    unanswerable_share: float = 0.12
    shuffled_share: float = 0.4
    history_share: float = 0.12
    follow_up_share: float = 0.06
    forum_share: float = 1.0
    joined_share: float = 0.05
    swapped_share: float = 0.25
    reworded_share: float = 0.35
    kinds: Mapping[str, float] = field(default_factory=lambda: KINDS)

    def __post_init__(self) -> None:
        if not 1 <= self.min_passages <= self.max_passages <= 9:
            raise ValueError(f"passages from {self.min_passages} to {self.max_passages}")


class Mixture:
    """Draws examples; the same generator state gives the same examples."""

    def __init__(
        self,
        questions: Sequence[RankedQuestion],
        library: Library | None,
        synonyms: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Keep the material; either kind may be empty, not both.

        Args:
            questions: What people asked.
            library: The passages that questions are made from.
            synonyms: Words of like meaning, for made-up questions.
        """
        if not questions and not library:
            raise ValueError("no training material")
        self._questions = questions
        self._long = [question for question in questions if len(question.quotes) > 1]
        self._maker = Maker(library, synonyms) if library else None
        self._turns = Turns(self._earlier)

    def draw(self, shape: TaskShape, rng: random.Random) -> Example:
        """One example of the given shape."""
        for _ in range(_ATTEMPTS):
            chance = rng.random()
            task = self._task(shape, rng)
            if task is None:
                continue
            if chance < shape.follow_up_share:
                example = self._follow_up(task, shape, rng)
            elif chance < shape.follow_up_share + shape.joined_share:
                example = self._joined(task, shape, rng)
            else:
                example = self._ordinary(task, shape, rng)
            if example is not None:
                return example
        raise ValueError(f"no passage of {_ATTEMPTS} gives an example")

    def _task(self, shape: TaskShape, rng: random.Random) -> RankedQuestion | None:
        is_real = self._maker is None or (self._questions and rng.random() < shape.real_share)
        if is_real or self._maker is None:
            return self._asked(shape, rng)
        return self._maker.make(rng, kinds=shape.kinds, reworded_share=shape.reworded_share)

    def _asked(self, shape: TaskShape, rng: random.Random) -> RankedQuestion | None:
        """A question that someone asked."""
        is_long = self._long and rng.random() < shape.long_share
        for _ in range(_ATTEMPTS):
            question = rng.choice(self._long if is_long else self._questions)
            if question.kind not in _FORUM or rng.random() < shape.forum_share:
                return question
        return None

    def _earlier(self, task: RankedQuestion, rng: random.Random) -> RankedQuestion | None:
        """A question for an earlier turn: of the same passages, or any."""
        if self._maker is not None and (not self._questions or rng.random() < 0.6):
            return self._maker.make(rng, beside=task if rng.random() < 0.7 else None)
        return rng.choice(self._questions) if self._questions else None

    def _ordinary(
        self, task: RankedQuestion, shape: TaskShape, rng: random.Random
    ) -> Example | None:
        is_answerable = bool(task.quotes) and rng.random() >= shape.unanswerable_share
        if not is_answerable and task.quotes and rng.random() < shape.swapped_share:
            task = with_other_name(task, rng) or task
        example = select_passages(task, shape, rng, is_answerable=is_answerable)
        if rng.random() < shape.history_share:
            return self._turns.before(example, task, rng)
        return example

    def _joined(self, task: RankedQuestion, shape: TaskShape, rng: random.Random) -> Example | None:
        if shape.max_passages < 2 or not task.quotes:
            return None
        for _ in range(_PARTNERS):
            other = self._partner(task, rng)
            both = joined(task, other, rng) if other else None
            if both:
                return select_passages(both, shape, rng, is_answerable=True)
        return None

    def _partner(self, task: RankedQuestion, rng: random.Random) -> RankedQuestion | None:
        if self._maker is not None and self._maker.knows(task):
            return self._maker.make(rng, beside=task if rng.random() < 0.6 else None)
        return rng.choice(self._questions)

    def _follow_up(
        self, task: RankedQuestion, shape: TaskShape, rng: random.Random
    ) -> Example | None:
        if not task.quotes or len(task.gold) == len(task.passages):
            return None
        example = select_passages(task, shape, rng, is_answerable=False)
        return self._turns.follow_up(example, task, rng) if example.passages else None


def select_passages(
    ranked: RankedQuestion, shape: TaskShape, rng: random.Random, *, is_answerable: bool
) -> Example:
    """Some of the ranked passages, in ranked order or shuffled, with or without the gold ones."""
    gold = ranked.gold
    wanted = rng.randint(shape.min_passages, shape.max_passages)
    others = [
        index
        for index, passage in enumerate(ranked.passages)
        if index not in gold and not ranked.is_answered_in(passage)
    ][: wanted + 1]
    is_answerable = bool(gold) and (is_answerable or not others)
    kept = others[:wanted]
    if is_answerable:
        room = max(0, wanted - len(gold))
        kept = sorted([*gold, *rng.sample(others, min(room, len(others)))])
    if rng.random() < shape.shuffled_share:
        rng.shuffle(kept)
    quotes = ranked.quotes if is_answerable else ()
    parts = [_part(ranked, index, quotes, shape.max_chars, rng) for index in kept]
    return Example(
        question=ranked.question,
        passages=tuple(ranked.passages[i][s:e] for i, (s, e) in zip(kept, parts, strict=True)),
        quotes=tuple(
            _moved(quote, kept.index(quote.passage), parts)
            for quote in quotes
            if quote.passage is not None
        ),
        answers=ranked.answers,
        kind=ranked.kind if is_answerable else f"{ranked.kind}, unanswerable",
    )


def _moved(quote: Quote, place: int, parts: Sequence[tuple[int, int]]) -> Quote:
    begin = parts[place][0]
    return replace(quote, passage=place, start=quote.start - begin, end=quote.end - begin)


def _part(
    ranked: RankedQuestion, index: int, quotes: Sequence[Quote], max_chars: int, rng: random.Random
) -> tuple[int, int]:
    """The stretch of a passage that fits: whole sentences, with its quotes somewhere in it."""
    passage = ranked.passages[index]
    if len(passage) <= max_chars:
        return 0, len(passage)
    quotes = [quote for quote in quotes if quote.passage == index]
    sentences = split_sentences(passage)
    first, last = rng.choice(sentences)
    start = min((q.start for q in quotes), default=first)
    end = max((q.end for q in quotes), default=min(last, first + max_chars))
    begin = rng.choice([start, *(s for s, _ in sentences if s <= start and end - s <= max_chars)])
    finish = max((e for _, e in sentences if end <= e <= begin + max_chars), default=end)
    return begin, finish
