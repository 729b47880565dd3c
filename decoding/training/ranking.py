"""Real questions with their passages in the order in which a retriever finds them.

The retriever is passed in as a callable, so that this package does not know it. Distractors are
passages of the same title where there are enough of them, as in a search over a few documents.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from quoth.decoding.training.questions import words_of
from quoth.decoding.training.sentences import Range, split_passages, split_sentences

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from quoth.decoding.training.sources import QuestionRow

_NUM_CANDIDATES = 24
_NUM_KEPT = 8
_PASSAGE_CHARS = (350, 500, 650, 800)


class PassageRanker(Protocol):
    """Orders passages as the product's retriever would."""

    def __call__(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        candidates: Sequence[Sequence[int]],
    ) -> list[list[int]]:
        """For each question its candidates (indices into ``passages``), best first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedQuestion:
    """A question, its best passages in ranked order, and where among them the quote stands."""

    question: str
    answers: tuple[str, ...]
    passages: tuple[str, ...]
    gold: int
    quote: Range

    def is_answered_in(self, passage: str) -> bool:
        """Whether an answer string stands in ``passage`` (short ones prove nothing)."""
        return any(len(answer) > 3 and answer in passage for answer in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    row: QuestionRow
    passage: int
    quote: Range


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
    group = [number for number in by_group[place.row.group] if number != place.passage]
    others = rng.sample(group, min(len(group), _NUM_CANDIDATES))
    source = by_source[place.row.source]
    if len(others) < _NUM_CANDIDATES // 2:
        others += rng.sample(source, min(len(source), _NUM_CANDIDATES - len(others)))
    return list(dict.fromkeys([place.passage, *others]))


def _ranked(place: _Located, order: Sequence[int], passages: Sequence[str]) -> RankedQuestion:
    kept = list(order[:_NUM_KEPT])
    if place.passage not in kept:
        kept[-1] = place.passage
    return RankedQuestion(
        question=place.row.question,
        answers=place.row.answers,
        passages=tuple(passages[number] for number in kept),
        gold=kept.index(place.passage),
        quote=place.quote,
    )


def _locate(row: QuestionRow, numbers: Iterable[int], passages: Sequence[str]) -> _Located | None:
    """The sentence holding an answer that shares most words with the question."""
    asked = {word.casefold() for word in words_of(row.question)}
    best: tuple[float, _Located] | None = None
    for number in numbers:
        text = passages[number]
        for start, end in split_sentences(text):
            sentence = text[start:end]
            if end - start > 600 or not any(answer in sentence for answer in row.answers):
                continue
            shared = asked & {word.casefold() for word in words_of(sentence)}
            score = len(shared) + sum(answer in sentence for answer in row.answers) / 4
            if best is None or score > best[0]:
                best = score, _Located(row=row, passage=number, quote=(start, end))
    return best[1] if best else None
