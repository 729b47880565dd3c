"""Questions made from the library's passages, ranked among what a search would bring along."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from quoth.decoding.training.asking import KINDS, Asked, ask, page_of
from quoth.decoding.training.examples import Quote
from quoth.decoding.training.paraphrase import retyped, reworded, unmarked
from quoth.decoding.training.ranking import RankedQuestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quoth.decoding.training.neighbours import Library

_NUM_PASSAGES = 9
_RUN = 5
_SAME = 0.5
_GOLD_SCORE, _GOLD_SPREAD = 1.75, 0.25
_NAME = re.compile(
    r"[A-Za-z]+(?:[-_.][A-Za-z]+|[a-z][A-Z]\w+|::\w+)+|\b[A-Z]{2,}[ -]?\d+\b|\d+\.\d+"
)
_WHOLE = re.compile(
    r"(?:what|how|which|when|who|where|why|can|is|are|does|must|should)\b", re.IGNORECASE
)


class Maker:
    """Makes ranked questions; remembers nothing, so draws depend on the generator alone."""

    def __init__(self, library: Library, synonyms: Mapping[str, tuple[str, ...]]) -> None:
        """Keep what questions are made of."""
        self._library = library
        self._synonyms = synonyms
        self._places = {passage.text: n for n, passage in enumerate(library.passages)}
        self._pages = [page_of(passage, library.rarity) for passage in library.passages]
        rng = random.Random(0)
        self._giving = {
            kind: [n for n, page in enumerate(self._pages) if ask(page, kind, rng)]
            for kind in KINDS
        }

    def knows(self, task: RankedQuestion) -> bool:
        """Whether the question was made from a passage of this library."""
        return any(task.passages[place] in self._places for place in task.gold)

    def make(
        self,
        rng: random.Random,
        *,
        kinds: Mapping[str, float] = KINDS,
        reworded_share: float = 0.35,
        beside: RankedQuestion | None = None,
    ) -> RankedQuestion | None:
        """A question of any passage, or of one near the gold one of ``beside``."""
        found = self._near(beside, kinds, rng) if beside else self._anywhere(kinds, rng)
        if found is None:
            return None
        number, asked = found
        question = unmarked(asked.question, rng)
        if rng.random() < reworded_share:
            question = reworded(question, self._synonyms, rng)
        question = retyped(question, rng)
        return self._ranked(replace(asked, question=retyped(question, rng)), number, rng)

    def _anywhere(self, kinds: Mapping[str, float], rng: random.Random) -> tuple[int, Asked] | None:
        """A question of a kind by the shares, of a passage that gives such."""
        weights = {kind: share for kind, share in kinds.items() if self._giving[kind]}
        if not weights:
            return None
        (kind,) = rng.choices(list(weights), weights=list(weights.values()))
        number = rng.choice(self._giving[kind])
        asked = ask(self._pages[number], kind, rng)
        return (number, asked) if asked else None

    def _near(
        self, task: RankedQuestion, kinds: Mapping[str, float], rng: random.Random
    ) -> tuple[int, Asked] | None:
        """A question of the passage of another one, or of a passage near it."""
        place = self._places.get(task.passages[task.gold[0]]) if task.gold else None
        if place is None:
            return self._anywhere(kinds, rng)
        number = rng.choice([place, *(number for number, _ in self._library.near(place)[:8])])
        left = {kind: share * rng.random() for kind, share in kinds.items()}
        for kind in sorted(left, key=lambda kind: (-left[kind], kind)):
            asked = ask(self._pages[number], kind, rng)
            if asked:
                return number, asked
        return None

    def _ranked(self, asked: Asked, number: int, rng: random.Random) -> RankedQuestion:
        """The question among the passages that a search would bring."""
        passage = self._library.passages[number]
        found = self._library.found_with(asked.question, number, count=_NUM_PASSAGES + 3)
        answers = tuple(passage.text[start:end] for start, end in asked.quotes)
        others = [(s, n) for n, s in found if not self._repeats(answers[0], n)][:_NUM_PASSAGES]
        ranked = [*others, (rng.gauss(_GOLD_SCORE, _GOLD_SPREAD), number)]
        ranked.sort(key=lambda scored: (-scored[0], scored[1]))
        order = [n for _, n in ranked]
        place = order.index(number)
        return RankedQuestion(
            question=asked.question,
            answers=answers,
            passages=tuple(self._library.passages[n].text for n in order),
            quotes=tuple(Quote(passage=place, start=start, end=end) for start, end in asked.quotes),
            kind=asked.kind,
        )

    def _repeats(self, answer: str, number: int) -> bool:
        """Whether a passage says nearly the same as the answer: half of its runs of words."""
        words = re.findall(r"\w+", answer.casefold())
        size = min(_RUN, len(words))
        runs = [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)]
        text = " ".join(re.findall(r"\w+", self._library.passages[number].text.casefold()))
        return sum(run in text for run in runs) >= _SAME * len(runs)


def joined(
    first: RankedQuestion, second: RankedQuestion, rng: random.Random
) -> RankedQuestion | None:
    """Both questions as one, over the passages of both; the first one's quotes come first."""
    if {q.kind for q in (first, second)} & {"joined", "continued", "row"} or not second.quotes:
        return None
    golds = [[task.passages[place] for place in task.gold] for task in (first, second)]
    is_mixed_up = any(
        one.is_answered_in(passage)
        for one, other in ((first, golds[1]), (second, golds[0]))
        for passage in other
    )
    question = _joined_question(first.question, second.question, rng)
    if (
        question is None
        or (is_mixed_up and golds[0] != golds[1])
        or first.answers == second.answers
    ):
        return None
    passages = list(dict.fromkeys([*golds[0], *golds[1], *_interleaved(first, second)]))
    others = [p for p in passages if p in golds[0] + golds[1] or not second.is_answered_in(p)]
    kept = [p for p in others if p in golds[0] + golds[1] or not first.is_answered_in(p)]
    rng.shuffle(kept)
    quotes = tuple(
        replace(quote, passage=kept.index(task.passages[quote.passage or 0]))
        for task in (first, second)
        for quote in task.quotes[:1]
    )
    return RankedQuestion(
        question=question,
        answers=first.answers + second.answers,
        passages=tuple(kept),
        quotes=quotes,
        kind="joined",
    )


def _interleaved(first: RankedQuestion, second: RankedQuestion) -> list[str]:
    pairs = zip(first.passages, second.passages, strict=False)
    return [passage for pair in pairs for passage in pair][: _NUM_PASSAGES - 1]


def _joined_question(first: str, second: str, rng: random.Random) -> str | None:
    if len(first) + len(second) > 170 or not _WHOLE.match(second) or not _WHOLE.match(first):
        return None
    first, later = first.rstrip("?. "), second[0].lower() + second[1:]
    form = rng.choice(("{}, and {}", "{} and {}", "{}? And {}", "{}? Also, {}"))
    return form.format(first, later)


def with_other_name(task: RankedQuestion, rng: random.Random) -> RankedQuestion | None:
    """The question with a name in it exchanged for one that none of its passages has.

    What remains is a question that looks answered and is not.
    """
    if len(task.gold) != 1 or task.kind == "joined":
        return None
    quote = task.quotes[0]
    gold = task.passages[task.gold[0]]
    names = [
        name
        for name in dict.fromkeys(_NAME.findall(task.question))
        if name in gold[quote.start : quote.end]
    ]
    others = sorted({name for p in task.passages for name in _NAME.findall(p)} - set(names))
    if not names or not others:
        return None
    name, other = rng.choice(names), rng.choice(others)
    passages = tuple(p for p in task.passages if other not in p)
    if gold not in passages:
        return None
    return RankedQuestion(
        question=task.question.replace(name, other),
        answers=(),
        passages=passages,
        quotes=(),
        kind="swapped",
    )
