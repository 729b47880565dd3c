"""The copy sources of one sequence: what lies where, and how copies from each have fared.

References that stand in the prompt word for word are recognised there and are indexed once. A
source's places weigh more the more of its guesses were right, measured against what was expected
of them, with slow forgetting.
"""

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from quoth.decoding.draft import Origin
from quoth.decoding.drafting.prepared import PreparedTokens
from quoth.decoding.drafting.weighing import SourceWeights
from quoth.decoding.token_search import find_each

_PRIOR_WEIGHT = 4.0  # guesses for which a source is taken to be like all others
_MEMORY = 0.98


_Quote = tuple[int, int, str]  # a stretch of the prompt, and the reference that it equals


class NamedSource(NamedTuple):
    """A reference: its name, and its tokens, prepared."""

    id: str
    prepared: PreparedTokens


class _Stretch(NamedTuple):
    """From `start` on, until the next one: token `start + n` is token `first + n` of the source."""

    start: int
    source: Origin  # its position is `first`
    number: int


class CopySources:
    """Says of places of an `OccurrenceIndex` what they are.

    Attributes:
        apart: The references that are not part of the prompt, to be indexed before it.
        weights: How much more each source is worth than expected; 1 while nothing is known.
    """

    def __init__(self, prompt: Sequence[int], references: Sequence[NamedSource]) -> None:
        quotes = _apart_from_each_other(_quotes(prompt, references))
        told = {reference_id for _, _, reference_id in quotes}
        apart = [reference for reference in references if reference.id not in told]
        self.apart = [reference.prepared for reference in apart]
        self._numbers = {reference.id: number for number, reference in enumerate(references)}
        self._stretches: list[_Stretch] = []
        place = 1  # behind the first separator
        for reference in apart:
            self._add(place, _from_reference(reference.id, 0))
            place += len(reference.prepared) + 1
        self._add_prompt(place, quotes)
        self._add(place + len(prompt), Origin(source="output", position=0))
        self._starts = [stretch.start for stretch in self._stretches]
        self._origins: dict[int, Origin] = {}
        self._expected = [0.0] * len(self._numbers)
        self._right = [0.0] * len(self._numbers)
        self._weights = [1.0] * len(self._numbers)
        numbers = [stretch.number for stretch in self._stretches]
        self.weights = SourceWeights(self._starts, self._ends(), numbers, self._weights)

    def origins(self, places: Sequence[int]) -> tuple[Origin | None, ...]:
        """Where the tokens at these places come from; None for a negative place."""
        known = self._origins  # the same places are drafted again and again
        start, end, source = 0, 0, Origin(source="prompt", position=0)
        found: list[Origin | None] = []
        for place in places:
            origin = known.get(place)
            if origin is None and place >= 0:
                if not start <= place < end:
                    start, end, source = self._stretch(place)
                origin = known[place] = Origin(
                    source=source.source,
                    position=source.position + place - start,
                    reference_id=source.reference_id,
                )
            found.append(origin)
        return tuple(found)

    def end_of(self, place: int) -> int:
        """Where a copy ends at the latest that goes on behind this place."""
        return self.weights.ends[bisect_right(self._starts, place) - 1]

    def _stretch(self, place: int) -> tuple[int, int, Origin]:
        """The stretch that a place lies in: from, to, and what stands there."""
        number = bisect_right(self._starts, place)
        end = self._starts[number] if number < len(self._starts) else sys.maxsize
        stretch = self._stretches[number - 1]
        return stretch.start, end, stretch.source

    def _ends(self) -> list[int]:
        """A copy of a reference ends with it, wherever it stands; others go on."""
        following = [*self._starts[1:], sys.maxsize]
        return [
            end if stretch.source.source == "reference" else sys.maxsize
            for stretch, end in zip(self._stretches, following, strict=True)
        ]

    def learn(self, place: int, expected: float, *, was_right: bool) -> None:
        """A guess from this place, which was expected to be right with this probability."""
        number = self._stretches[bisect_right(self._starts, place) - 1].number
        self._expected[number] = expected = self._expected[number] * _MEMORY + expected
        self._right[number] = right = self._right[number] * _MEMORY + was_right
        self._weights[number] = (right + _PRIOR_WEIGHT) / (expected + _PRIOR_WEIGHT)

    def _add(self, start: int, source: Origin) -> None:
        number = self._numbers.setdefault(source.reference_id or source.source, len(self._numbers))
        self._stretches.append(_Stretch(start, source, number))

    def _add_prompt(self, start: int, quotes: Sequence[_Quote]) -> None:
        """The prompt in stretches."""
        self._add(start, Origin(source="prompt", position=0))
        for begin, end, reference_id in sorted(quotes):
            self._add(start + begin, _from_reference(reference_id, 0))
            self._add(start + end, Origin(source="prompt", position=end))


def _from_reference(reference_id: str, position: int) -> Origin:
    return Origin(source="reference", position=position, reference_id=reference_id)


def _apart_from_each_other(quotes: Sequence[_Quote]) -> list[_Quote]:
    """Those that overlap none before them."""
    taken: list[_Quote] = []  # in the order of their places
    for quote in quotes:
        at = bisect_left(taken, quote)
        is_free_before = at == 0 or taken[at - 1][1] <= quote[0]
        if is_free_before and (at == len(taken) or quote[1] <= taken[at][0]):
            taken.insert(at, quote)
    return taken


def _quotes(prompt: Sequence[int], references: Sequence[NamedSource]) -> list[_Quote]:
    """Where references stand in the prompt, whole and token for token, the longest first."""
    said = frozenset(prompt)
    possible = [each for each in references if said.issuperset(each.prepared.token_ids)]
    places = find_each([reference.prepared.needle for reference in possible], prompt)
    quotes = [
        (start, start + len(reference.prepared), reference.id)
        for reference, starts in zip(possible, places, strict=True)
        for start in starts
    ]
    quotes.sort(key=lambda quote: quote[0] - quote[1])
    return quotes
