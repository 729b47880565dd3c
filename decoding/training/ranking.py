"""Real questions with their passages in the order in which a retriever finds them.

The retriever is passed in as a callable, so that this package does not know it. Distractors are
passages of the same title where there are enough of them, as in a search over a few documents.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from quoth.decoding.training.examples import Quote
from quoth.decoding.training.questions import words_of
from quoth.decoding.training.sentences import split_passages, split_sentences

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from quoth.decoding.training.sources import QuestionRow

_NUM_CANDIDATES = 24
_NUM_KEPT = 8
_PASSAGE_CHARS = (350, 500, 650, 800)
_RUN_TOGETHER = re.compile(r"[a-z)][.!?][A-Z][a-z ]")
"""Sentences without a blank between them: a quote of both would teach not to end with the first."""


class PassageRanker(Protocol):
    """Orders passages as the product's retriever would, and embeds them as it does."""

    def __call__(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        candidates: Sequence[Sequence[int]],
    ) -> list[list[int]]:
        """For each question its candidates (indices into ``passages``), best first."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, [len(texts), dim]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedQuestion:
    """A question, its best passages in ranked order, and what of them answers, in this order.

    Without ``quotes`` none of the passages answers.
    """

    question: str
    answers: tuple[str, ...]
    passages: tuple[str, ...]
    quotes: tuple[Quote, ...]
    kind: str = ""

    @property
    def gold(self) -> tuple[int, ...]:
        """The passages that are quoted, each once, in the order of the quotes."""
        return tuple(dict.fromkeys(q.passage for q in self.quotes if q.passage is not None))

    def is_answered_in(self, passage: str) -> bool:
        """Whether an answer string stands in ``passage`` (short ones prove nothing)."""
        return any(len(answer) > 3 and answer in passage for answer in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    row: QuestionRow
    context: tuple[int, ...]  # numbers of its context's passages
    quotes: tuple[Quote, ...]

    @property
    def own(self) -> list[int]:
        """The passages that must be found: those quoted, else one that seems to answer."""
        return [q.passage for q in self.quotes if q.passage is not None] or [self.context[0]]


def rank_questions(
    rows: Sequence[QuestionRow], rank: PassageRanker, rng: random.Random
) -> list[RankedQuestion]:
    """Cut the contexts into passages, find each answer's sentence, and order its candidates."""
    passages: list[str] = []
    by_context: dict[str, range] = {}
    by_group: dict[str, list[int]] = defaultdict(list)
    by_source: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.context in by_context:
            continue
        size = rng.choice(_PASSAGE_CHARS)
        cut = [row.context[s:e] for s, e in split_passages(row.context, max_chars=size)]
        numbers = range(len(passages), len(passages) + len(cut))
        passages += cut
        by_context[row.context] = numbers
        by_group[row.group] += numbers
        by_source[row.source] += numbers
    found = [place for row in rows if (place := _locate(row, by_context[row.context], passages))]
    pools = [_pool(place, by_group, by_source, rng) for place in found]
    orders = rank([place.row.question for place in found], passages, pools)
    return [_ranked(place, order, passages) for place, order in zip(found, orders, strict=True)]


def _pool(
    place: _Located,
    by_group: dict[str, list[int]],
    by_source: dict[str, list[int]],
    rng: random.Random,
) -> list[int]:
    group = [number for number in by_group[place.row.group] if number not in place.own]
    others = rng.sample(group, min(len(group), _NUM_CANDIDATES))
    source = by_source[place.row.source]
    if len(others) < _NUM_CANDIDATES // 2:
        others += rng.sample(source, min(len(source), _NUM_CANDIDATES - len(others)))
    return list(dict.fromkeys([*place.own, *others]))


def _ranked(place: _Located, order: Sequence[int], passages: Sequence[str]) -> RankedQuestion:
    own = list(dict.fromkeys(place.own))
    kept = list(order[:_NUM_KEPT])
    missing = [number for number in own if number not in kept]
    if missing:
        others = [number for number in kept if number not in own]
        kept = [number for number in kept if number not in others[-len(missing) :]] + missing
    return RankedQuestion(
        question=place.row.question,
        answers=place.row.answers,
        passages=tuple(passages[number] for number in kept),
        quotes=tuple(
            replace(quote, passage=kept.index(quote.passage))
            for quote in place.quotes
            if quote.passage is not None
        ),
        kind=place.row.source,
    )


def _locate(row: QuestionRow, numbers: range, passages: Sequence[str]) -> _Located | None:
    """Where the row's answer is to be quoted from."""
    if not row.answers:
        return _Located(row=row, context=tuple(numbers), quotes=())
    if row.is_quoted:
        quotes = [_quoted(answer, numbers, passages) for answer in row.answers]
        whole = tuple(quote for quote in quotes if quote)
        is_whole = len(whole) == len(quotes)
        return _Located(row=row, context=tuple(numbers), quotes=whole) if is_whole else None
    best = _best_sentence(row, numbers, passages)
    return _Located(row=row, context=tuple(numbers), quotes=(best,)) if best else None


def _quoted(answer: str, numbers: Iterable[int], passages: Sequence[str]) -> Quote | None:
    for number in numbers:
        start = passages[number].find(answer)
        if start >= 0:
            return Quote(passage=number, start=start, end=start + len(answer))
    return None


def _best_sentence(
    row: QuestionRow, numbers: Iterable[int], passages: Sequence[str]
) -> Quote | None:
    """The sentence holding an answer that shares most words with the question."""
    asked = {word.casefold() for word in words_of(row.question)}
    best: tuple[float, Quote] | None = None
    for number in numbers:
        text = passages[number]
        for start, end in split_sentences(text):
            sentence = text[start:end]
            if end - start > 600 or _RUN_TOGETHER.search(sentence):
                continue
            if not any(answer in sentence for answer in row.answers):
                continue
            shared = asked & {word.casefold() for word in words_of(sentence)}
            score = len(shared) + sum(answer in sentence for answer in row.answers) / 4
            if best is None or score > best[0]:
                best = score, Quote(passage=number, start=start, end=end)
    return best[1] if best else None
