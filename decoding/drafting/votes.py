"""Occurrences vote for what comes next; their continuations, merged, are the draft.

Every occurrence carries its own continuation. Occurrences that agree share a node, so a draft is a
small tree. The most promising node is added first, by its probability of surviving (`survival`),
while that is at least what a row of the forward pass costs.

This runs at every step of every answer, so plain tuples stand where named ones would read better:
they take half the time. `_votes.pyx` has the same compiled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from operator import itemgetter

from quoth.decoding.draft import NO_DRAFT, ROOT, Draft, Origin
from quoth.decoding.drafting.survival import Guess, Kind, Survival, known, sole

Voter = tuple[float, int, int, Sequence[int], int, int]
"""One occurrence: (weight, length, place, tokens, start, end).

`length` tokens match before it. Its continuation are `tokens` from `start` up to `end`, to their
own end or to a negative one, whatever comes first; the first of them lies at `place`, as `as_draft`
is told (negative: nowhere).
"""

Fallback = tuple[Guess, Callable[[], list[Voter]]]
"""Voters of another kind: the best guess that may be expected of them, and how to get them."""

Origins = Callable[[Sequence[int]], tuple[Origin | None, ...]]
"""Says where places are; None for those that are negative."""

Node = tuple[int, int, int, Guess, float]
"""A drafted token: (token, parent, place, guess, chance).

At `place` the heaviest voter has it (-1: nowhere); `guess` is how good it is on its own, and
`chance` that it is right with all before it.
"""

# A node that may be added: (-chance, order, token, parent, depth, voters, guess). The likeliest one
# sorts first, of equal ones the oldest. Without voters it stands for the next fallback.
_Candidate = tuple[float, int, int, int, int, Sequence[Voter], Guess]

_WEIGHT, _LENGTH = itemgetter(0), itemgetter(1)
HARDLY = 0.15  # chance left for fallbacks


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
    voters: list[Voter],
    survival: Survival,
    bounds: Bounds,
    fallbacks: Sequence[Fallback] = (),
) -> list[Node]:
    """The draft, parents first.

    Args:
        voters: All occurrences.
        survival: Says how likely a guess is right.
        bounds: Of the draft.
        fallbacks: In this order, for what may come where none of those before is right. They are
            asked when the best guess to be expected of them would be the next node.
    """
    return _Growth(survival, bounds, fallbacks).run(voters)


class _Growth:
    """One draft while it grows."""

    def __init__(self, survival: Survival, bounds: Bounds, fallbacks: Sequence[Fallback]) -> None:
        self._survival = survival
        self._bounds = bounds
        self._fallbacks = [*reversed(fallbacks)]
        self._nodes: list[Node] = []
        self._promised = 1.0  # tokens, with the one that is certain
        self._waiting: list[_Candidate] = []
        self._order = count()
        self._left = 1.0  # chance that none of the first tokens told is right
        self._told: set[int] = set()

    def run(self, voters: Sequence[Voter]) -> list[Node]:
        self._begin(Kind.EXACT, voters)
        nodes, waiting, forks = self._nodes, self._waiting, self._bounds.forks
        while waiting and self._admits(waiting[0][0]):
            best = heappop(waiting)
            if not best[5]:
                expected, ask = self._fallbacks.pop()
                self._begin(expected[2], ask())
                continue
            if not forks:
                waiting.clear()
            if len(best[5]) == 1:
                self._copy(best)
            else:
                self._fork(best)
        return nodes

    def _admits(self, minus_chance: float) -> bool:
        """Whether a node that survives with this chance, made negative, is worth its row."""
        number, bounds = len(self._nodes), self._bounds
        if number >= bounds.nodes:
            return False
        return number < bounds.free or -minus_chance >= bounds.threshold * self._promised

    def _begin(self, kind: int, voters: Sequence[Voter]) -> None:
        """What may come first, as voters of one kind have it."""
        alive = self._left
        for token, agreed, guess in _children(voters, 0, kind):
            if token not in self._told:
                self._told.add(token)
                chance = alive * self._survival.probability(guess)
                self._left -= chance
                candidate = (-chance, next(self._order), token, ROOT, 0, agreed, guess)
                heappush(self._waiting, candidate)
        if self._left >= HARDLY and self._fallbacks:
            best = self._fallbacks[-1][0]
            chance = self._left * self._survival.probability(best)
            heappush(self._waiting, (-chance, next(self._order), ROOT, ROOT, 0, (), best))

    def _fork(self, best: _Candidate) -> None:
        """Add a node for which several voters stand, who may disagree from here on."""
        minus_chance, _, token, parent, depth, agreed, guess = best
        place = max(agreed, key=_WEIGHT)[2]
        self._nodes.append(
            (token, parent, place + depth if place >= 0 else -1, guess, -minus_chance)
        )
        self._promised -= minus_chance
        node, depth = len(self._nodes) - 1, depth + 1
        for child, said_by, guessed in _children(agreed, depth):
            below = minus_chance * self._survival.probability(guessed)
            candidate = (below, next(self._order), child, node, depth, said_by, guessed)
            heappush(self._waiting, candidate)

    def _copy(self, best: _Candidate) -> None:
        """Add a node for which one voter alone stands, and what follows while nothing is likelier.

        Most nodes are a copy without rivals.
        """
        minus_chance, _, token, node, depth, agreed, guess = best
        _, length, place, follows, start, end = agreed[0]
        nodes, waiting, survival = self._nodes, self._waiting, self._survival
        end = min(end, len(follows))
        while True:
            nodes.append((token, node, place + depth if place >= 0 else -1, guess, -minus_chance))
            self._promised -= minus_chance
            node = len(nodes) - 1
            depth += 1
            if start + depth >= end or (token := follows[start + depth]) < 0:
                return
            guess = sole(length + depth, depth)
            minus_chance *= survival.probability(guess)
            if (waiting and waiting[0][0] <= minus_chance) or not self._admits(minus_chance):
                rest = (minus_chance, next(self._order), token, node, depth, agreed, guess)
                heappush(waiting, rest)
                return


def as_draft(nodes: Sequence[Node], origins: Origins) -> Draft:
    """The nodes as a draft."""
    if not nodes:
        return NO_DRAFT
    tokens, parents, places, _, chances = zip(*nodes, strict=True)
    return Draft(
        tokens=tokens,
        parents=parents,
        origins=origins(places),
        chances=chances,
    )


def _children(
    voters: Sequence[Voter], depth: int, kind: int = Kind.EXACT
) -> list[tuple[int, Sequence[Voter], Guess]]:
    """What the voters say at this depth, each token once, and who says it."""
    total = 0.0
    by_token: dict[int, list[Voter]] = {}
    weights: dict[int, float] = {}
    for voter in voters:
        weight, _, _, follows, start, end = voter
        total += weight
        at = start + depth
        if at < end and at < len(follows) and (token := follows[at]) >= 0:
            if token in by_token:
                by_token[token].append(voter)
                weights[token] += weight
            else:
                by_token[token] = [voter]
                weights[token] = weight
    whole = 1.0 if kind == Kind.COMMON else total
    children: list[tuple[int, Sequence[Voter], Guess]] = []
    for token, agreed in by_token.items():
        length = max(map(_LENGTH, agreed)) + depth
        share = weights[token] / whole
        children.append((token, agreed, known(length or 1, share, len(agreed), depth, kind)))
    return children
