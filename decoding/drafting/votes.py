"""Occurrences vote for what comes next; their continuations, merged, are the draft.

Every occurrence carries its own continuation. Occurrences that agree share a node, so a draft is a
small tree. The most promising node is added first, by its probability of surviving (`survival`),
while that is at least what a row of the forward pass costs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, count
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


# A node that may be added: (-chance, order, token, parent, depth, voters, guess). The likeliest one
# sorts first, of equal ones the oldest.
_Candidate = tuple[float, int, int, int, int, Sequence[Voter], Guess]

_HARDLY = 0.15  # chance left for fallbacks
_SOLE = [[Guess.known(length, 1.0, 1, depth) for depth in range(17)] for length in range(1, 17)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a draft may get.

    At most `nodes`; each is worth its row if it survives with a probability of at least `threshold`
    times the tokens that those before it promise, but `free` of them cost nothing, and are taken
    whatever they promise. Without `forks` it is a chain: of each node's children the likeliest.
    """

    nodes: int
    threshold: float = 0.0
    free: int = 0
    forks: bool = True


def grow(
    voters: Sequence[Voter],
    survival: Survival,
    bounds: Bounds,
    fallbacks: Iterable[tuple[int, Sequence[Voter]]] = (),
) -> list[Node]:
    """The draft, parents first.

    Args:
        voters: All occurrences.
        survival: Says how likely a guess is right.
        bounds: Of the draft.
        fallbacks: Voters of other kinds, for what may come where none of those before is right;
            not asked for where that is unlikely.
    """
    order = count()
    waiting = _beginnings(chain(((Kind.EXACT, voters),), fallbacks), survival, order)
    nodes: list[Node] = []
    promised = 1.0
    while waiting and len(nodes) < bounds.nodes:
        minus_chance, _, token, parent, depth, agreed, guess = heappop(waiting)
        if -minus_chance < bounds.threshold * promised and len(nodes) >= bounds.free:
            break
        promised -= minus_chance
        if not bounds.forks:
            waiting.clear()
        place = agreed[0].place if len(agreed) == 1 else max(agreed, key=_weight).place
        here = len(nodes)
        nodes.append(Node(token, parent, max(-1, place + depth), guess, -minus_chance))
        depth += 1
        for child, said_by, known in _children(agreed, depth):
            below = minus_chance * survival.probability(known)
            heappush(waiting, (below, next(order), child, here, depth, said_by, known))
    return nodes


def _beginnings(
    groups: Iterable[tuple[int, Sequence[Voter]]], survival: Survival, order: Iterator[int]
) -> list[_Candidate]:
    """What may come first, as a heap."""
    waiting: list[_Candidate] = []
    left, told = 1.0, set[int]()
    for kind, group in groups:
        alive = left
        for token, agreed, guess in _children(group, 0, kind):
            if token not in told:
                told.add(token)
                chance = alive * survival.probability(guess)
                left -= chance
                heappush(waiting, (-chance, next(order), token, ROOT, 0, agreed, guess))
        if left < _HARDLY:
            break
    return waiting


def _weight(voter: Voter) -> float:
    return voter.weight


def _children(
    voters: Sequence[Voter], depth: int, kind: int = Kind.EXACT
) -> list[tuple[int, Sequence[Voter], Guess]]:
    """What the voters say at this depth, each token once, and who says it."""
    if len(voters) == 1 and kind == Kind.EXACT:  # most nodes: a copy without rivals
        follows, _, length, _ = voters[0]
        if depth >= len(follows) or follows[depth] < 0:
            return []
        known = _SOLE[min(max(length + depth, 1), 16) - 1][min(depth, 16)]
        return [(follows[depth], voters, known)]
    total = 0.0
    by_token: dict[int, list[Voter]] = {}
    for voter in voters:
        total += voter.weight
        if depth < len(voter.follows) and (token := voter.follows[depth]) >= 0:
            by_token.setdefault(token, []).append(voter)
    whole = 1.0 if kind == Kind.COMMON else total
    return [
        (token, agreed, _agreed_on(agreed, whole, depth, kind))
        for token, agreed in by_token.items()
    ]


def _agreed_on(voters: Sequence[Voter], whole: float, depth: int, kind: int) -> Guess:
    length, weight = 0, 0.0
    for voter in voters:
        weight += voter.weight
        if voter.length > length:
            length = voter.length
    return Guess.known(max(1, length + depth), weight / whole, len(voters), depth, kind)
