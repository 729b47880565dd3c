"""How much each occurrence of a text's end counts when they vote for what comes next.

This runs at every step of every answer; `_weighing.pyx` has the same compiled.
"""

from bisect import bisect_right
from typing import NamedTuple

from quoth.decoding.drafting.matching import CONTEXT, Occurrence
from quoth.decoding.drafting.votes import Voter

WEIGHTS = [6.0 ** min(length, 8) for length in range(CONTEXT + 1)]
"""By the length of the match."""

NEIGHBOURS, SHORT = 8, 4
"""Matches shorter than this weigh more by a half per token shared among so many before them."""

ALIKE = [1.5 ** (shared - SHORT) for shared in range(SHORT + NEIGHBOURS + 2)]
"""By the number of these tokens, less those of the match, plus `SHORT`."""

NEAR, NEARNESS = 5.0, 60
"""For going on where the last copy ended, or so little later."""


class SourceWeights(NamedTuple):
    """What the sources weigh; `weights` may change."""

    starts: list[int]  # places where stretches of sources begin, ascending
    ends: list[int]  # and where copies of them end
    numbers: list[int]  # of their sources
    weights: list[float]  # by the number of the source


def weigh(
    found: list[Occurrence], tokens: list[int], cursor: int, sources: SourceWeights
) -> list[Voter]:
    """Voters: longer matches, alike surroundings, and the neighbourhood of the last copy count.

    Args:
        found: Occurrences of the end of `tokens`.
        tokens: The list that they are places of.
        cursor: Where the last copy ended; -1 if there was none.
        sources: What the places lie in.
    """
    around = frozenset(tokens[-1 - NEIGHBOURS : -1])
    voters: list[Voter] = []
    for place, length in found:
        weight = WEIGHTS[length]
        if length < SHORT:
            neighbours = tokens[max(0, place - 1 - NEIGHBOURS) : place - 1]
            weight *= ALIKE[sum(map(around.__contains__, neighbours)) - length + 1 + SHORT]
        if 0 <= cursor <= place < cursor + NEARNESS:
            weight *= NEAR
        stretch = bisect_right(sources.starts, place - 1) - 1
        weight *= sources.weights[sources.numbers[stretch]]
        voters.append((weight, length, place, tokens, place, sources.ends[stretch]))
    return voters
