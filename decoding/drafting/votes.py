"""Occurrences vote for what comes next; their continuations, merged, are the draft.

Every occurrence carries its own continuation. Occurrences that agree share a node, so a draft is a
small tree. The most promising node is added first, by its probability of surviving (`survival`),
while that is at least what a row of the forward pass costs.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from quoth.decoding.draft import ROOT
from quoth.decoding.drafting.survival import Guess, Kind, Survival


class Voter(NamedTuple):
    """One occurrence: its continuation, its weight, how many tokens match before it, its place."""

    follows: Sequence[int]  # ends with a negative token, or is cut
    weight: float
    length: int
    place: int  # of the first token of `follows`


class Node(NamedTuple):
    """A drafted token, who votes for it, and what was guessed of it."""

    token: int
    parent: int
    place: int  # where the heaviest voter has it
    guess: Guess
    chance: float  # that it is right, and all before it


class _Candidate(NamedTuple):
    token: int
    parent: int
    voters: Sequence[Voter]
    guess: Guess


_Waiting = tuple[float, int, _Candidate]  # (-chance, order, candidate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a draft may get.

    At most `nodes`; each is worth its row if it survives with a probability of `threshold`, but
    `free` of them cost nothing, and are taken whatever they promise. Without `forks` it is a chain:
    of each node's children the likeliest.
    """

    nodes: int
    threshold: float = 0.0
    free: int = 0
    forks: bool = True


def grow(
    voters: Sequence[Voter],
    survival: Survival,
    bounds: Bounds,
    fallbacks: Sequence[tuple[Kind, Sequence[Voter]]] = (),
) -> list[Node]:
    """The draft, parents first.

    Args:
        voters: All occurrences.
        survival: Says how likely a guess is right.
        bounds: Of the draft.
        fallbacks: Voters of other kinds, for what may come where none of those before is right.
    """
    waiting: list[_Waiting] = []
    order = count()  # of equal chances the first
    left, told = 1.0, set[int]()
    for kind, group in ((Kind.EXACT, voters), *fallbacks):
        alive = left
        for candidate in _children(ROOT, group, 0, kind):
            if candidate.token not in told:
                told.add(candidate.token)
                chance = alive * survival.probability(candidate.guess)
                left = max(0.0, left - chance)
                heapq.heappush(waiting, (-chance, next(order), candidate))
    nodes: list[Node] = []
    while waiting and len(nodes) < bounds.nodes:
        chance, _, (token, parent, agreed, guess) = heapq.heappop(waiting)
        if -chance < bounds.threshold and len(nodes) >= bounds.free:
            break
        if not bounds.forks:
            waiting.clear()
        place = agreed[0].place if len(agreed) == 1 else max(agreed, key=_weight).place
        nodes.append(Node(token, parent, place + guess.depth, guess, -chance))
        for candidate in _children(len(nodes) - 1, agreed, guess.depth + 1):
            below = chance * survival.probability(candidate.guess)
            heapq.heappush(waiting, (below, next(order), candidate))
    return nodes


def _weight(voter: Voter) -> float:
    return voter.weight


def _children(
    parent: int, voters: Sequence[Voter], depth: int, kind: Kind = Kind.EXACT
) -> list[_Candidate]:
    """What the voters say at this depth, each token once."""
    if len(voters) == 1 and kind is not Kind.COMMON:  # most nodes: a copy without rivals
        only = voters[0]
        if depth >= len(only.follows) or only.follows[depth] < 0:
            return []
        guess = Guess(max(1, only.length + depth), 1.0, 1, depth, kind)
        return [_Candidate(only.follows[depth], parent, voters, guess)]
    total = 0.0
    by_token: dict[int, list[Voter]] = {}
    for voter in voters:
        total += voter.weight
        if depth < len(voter.follows) and (token := voter.follows[depth]) >= 0:
            by_token.setdefault(token, []).append(voter)
    whole = 1.0 if kind is Kind.COMMON else total
    candidates = []
    for token, agreed in by_token.items():
        length, weight = 0, 0.0
        for voter in agreed:
            weight += voter.weight
            length = max(length, voter.length)
        guess = Guess(max(1, length + depth), weight / whole, len(agreed), depth, kind)
        candidates.append(_Candidate(token, parent, agreed, guess))
    return candidates
