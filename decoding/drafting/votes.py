"""Occurrences vote for what comes next; their continuations, merged, are the draft.

Every occurrence carries its own continuation. Occurrences that agree share a node, so a draft is a
small tree. The most promising node is added first, by its probability of surviving (`survival`),
while that is at least what a row of the forward pass costs.
"""

import heapq
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from quoth.decoding.draft import ROOT
from quoth.decoding.drafting.survival import Guess, Survival


class Voter(NamedTuple):
    """One occurrence: its continuation, its weight, how many tokens match before it, its name."""

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
    voters: list[Voter]
    guess: Guess


def grow(
    voters: Sequence[Voter],
    survival: Survival,
    *,
    budget: int,
    threshold: float,
    free: int,
    forks: bool = True,
) -> list[Node]:
    """At most `budget` nodes, parents first.

    Args:
        voters: All occurrences.
        survival: Says how likely a guess is right.
        budget: The most nodes.
        threshold: A node is worth its row if it survives with this probability.
        free: So many nodes cost nothing, and are taken whatever they promise.
        forks: Without, the draft is a chain: of each node's children the likeliest.
    """
    nodes: list[Node] = []
    waiting: list[tuple[float, int, _Candidate]] = []
    order = count()  # of equal chances the first

    def offer(parent: int, agreed: Sequence[Voter], alive: float, depth: int) -> None:
        for candidate in _children(parent, agreed, depth):
            chance = alive * survival.probability(candidate.guess)
            heapq.heappush(waiting, (-chance, next(order), candidate))

    offer(ROOT, voters, 1.0, 0)
    while waiting and len(nodes) < budget:
        chance, _, best = heapq.heappop(waiting)
        if -chance < threshold and len(nodes) >= free:
            break
        depth = best.guess.depth
        heaviest = max(best.voters, key=lambda voter: voter.weight)
        if not forks:
            waiting.clear()
        nodes.append(Node(best.token, best.parent, heaviest.place + depth, best.guess, -chance))
        offer(len(nodes) - 1, best.voters, -chance, depth + 1)
    return nodes


def _children(parent: int, voters: Sequence[Voter], depth: int) -> list[_Candidate]:
    """What the voters say at this depth, each token once."""
    if len(voters) == 1:  # most nodes: a copy without rivals
        only = voters[0]
        if depth >= len(only.follows) or only.follows[depth] < 0:
            return []
        guess = Guess(only.length + depth, 1.0, 1, depth)
        return [_Candidate(only.follows[depth], parent, [only], guess)]
    total = 0.0
    by_token: dict[int, list[Voter]] = {}
    for voter in voters:
        total += voter.weight
        if depth < len(voter.follows) and (token := voter.follows[depth]) >= 0:
            by_token.setdefault(token, []).append(voter)
    return [
        _Candidate(
            token,
            parent,
            agreed,
            Guess(
                length=max(voter.length for voter in agreed) + depth,
                share=sum(voter.weight for voter in agreed) / total,
                agreeing=len(agreed),
                depth=depth,
            ),
        )
        for token, agreed in by_token.items()
    ]
