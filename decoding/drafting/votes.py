"""Occurrences vote for what comes next; their continuations, merged, are the draft.

Every occurrence carries its own continuation. Occurrences that agree share a node, so a draft is a
small tree. The most promising node is added first, by its probability of surviving (`survival`),
while that is at least what a row of the forward pass costs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, heappushpop
from itertools import chain, count
from typing import NamedTuple

from quoth.decoding.draft import ROOT, Draft, Origin
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
_CAP = 16  # of lengths and depths that are told apart
_SOLE = [
    [Guess.known(length, 1.0, 1, depth) for depth in range(_CAP + 1)]
    for length in range(1, _CAP + 1)
]


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
    promised, following = 1.0, None
    while len(nodes) < bounds.nodes and (waiting or following):
        best = heappushpop(waiting, following) if following else heappop(waiting)
        minus_chance, _, token, parent, depth, agreed, guess = best
        if -minus_chance < bounds.threshold * promised and len(nodes) >= bounds.free:
            break
        promised -= minus_chance
        if not bounds.forks:
            waiting.clear()
        sole = agreed[0] if len(agreed) == 1 else None
        place = (sole or max(agreed, key=_weight)).place
        nodes.append(Node(token, parent, place + depth if place >= 0 else -1, guess, -minus_chance))
        if sole is not None:
            following = _next(sole, best, len(nodes) - 1, survival, order)
            continue
        following = None
        for child, said_by, known in _children(agreed, depth + 1):
            below = minus_chance * survival.probability(known)
            entry = (below, next(order), child, len(nodes) - 1, depth + 1, said_by, known)
            heappush(waiting, entry)
    return nodes


def _next(
    voter: Voter, last: _Candidate, node: int, survival: Survival, order: Iterator[int]
) -> _Candidate | None:
    """What follows a node that one voter alone stands for: most nodes are a copy without rivals."""
    minus_chance, _, _, _, depth, agreed, _ = last
    depth += 1
    follows = voter.follows
    if depth >= len(follows) or (token := follows[depth]) < 0:
        return None
    length = voter.length + depth
    known = _SOLE[length - 1 if length < _CAP else _CAP - 1][depth if depth < _CAP else _CAP]
    below = minus_chance * survival.probability(known)
    return (below, next(order), token, node, depth, agreed, known)


def as_draft(nodes: Sequence[Node], origin: Callable[[int], Origin | None]) -> Draft:
    """The nodes as a draft; `origin` says where a place is."""
    return Draft(
        tokens=tuple([node.token for node in nodes]),
        parents=tuple([node.parent for node in nodes]),
        origins=tuple([origin(node.place) for node in nodes]),
        chances=tuple([node.chance for node in nodes]),
    )


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
