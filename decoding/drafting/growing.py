"""A draft tree that grows at its most promising end, and learns from what became of it.

For drafters whose candidates depend on the node they follow: each candidate belongs to a group, the
group knows how often its candidates were right, and a node's chance is the product along its path.
The best chance is added first, while it is at least what a row of the forward pass costs. Knows
token ids only.
"""

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import ROOT, Draft

_PRIOR_WEIGHT = 8.0  # candidates that a prior counts for
_MEMORY = 0.98  # of a group, at each of its candidates that was judged
_HIGHEST = 0.98


class Rates:
    """How often the candidates of each group were right, learned online with slow forgetting.

    Args:
        priors: The share that each group begins with; a group that is not named has `unknown`.
        unknown: The prior of all other groups.
    """

    def __init__(self, priors: Mapping[Hashable, float], unknown: float = 0.02) -> None:
        self._priors = priors
        self._unknown = unknown
        self._counted: dict[Hashable, tuple[float, float]] = {}  # right, judged

    def __getitem__(self, group: Hashable) -> float:
        prior = self._priors.get(group, self._unknown)
        right, judged = self._counted.get(group, (0.0, 0.0))
        return min(_HIGHEST, (right + _PRIOR_WEIGHT * prior) / (judged + _PRIOR_WEIGHT))

    def learn(self, group: Hashable, *, was_right: bool) -> None:
        """The model has spoken where a candidate of this group stood."""
        right, judged = self._counted.get(group, (0.0, 0.0))
        self._counted[group] = (right * _MEMORY + was_right, judged * _MEMORY + 1.0)


class Candidate(NamedTuple):
    """A token that may follow a node, and the group that it is judged in."""

    token: int
    group: Hashable


class Twig(NamedTuple):
    """A node of the tree; `depth` is 0 behind the text's last token."""

    token: int
    parent: int
    depth: int
    chance: float
    group: Hashable


Children = Callable[[Sequence[Twig], int], Iterable[Candidate]]
"""From the twigs so far and the number of one of them (or `ROOT`) to what may follow it."""


def grow(children: Children, rates: Rates, config: DecodingConfig, *, budget: int) -> list[Twig]:
    """At most `budget` twigs, parents first.

    Those that fit into the rows that a pass has anyway are taken whatever they promise; the others
    if they survive with the probability `config.min_survival`. Without `config.forks` the tree is
    the chain of each twig's best child.
    """
    twigs: list[Twig] = []
    waiting: list[tuple[float, int, Twig]] = []
    order = count()  # of equal chances the first

    def offer(parent: int, chance: float, depth: int) -> None:
        for token, group in children(twigs, parent):
            alive = chance * rates[group]
            heapq.heappush(waiting, (-alive, next(order), Twig(token, parent, depth, alive, group)))

    offer(ROOT, 1.0, 0)
    while waiting and len(twigs) < budget:
        twig = heapq.heappop(waiting)[2]
        if twig.chance < config.min_survival and len(twigs) >= config.min_rows - 1:
            break
        if not config.forks:
            waiting.clear()
        twigs.append(twig)
        offer(len(twigs) - 1, twig.chance, twig.depth + 1)
    return twigs


def draft_of(twigs: Sequence[Twig]) -> Draft:
    """The tree as a draft; nothing in it was copied."""
    return Draft(
        tokens=tuple(twig.token for twig in twigs),
        parents=tuple(twig.parent for twig in twigs),
        origins=(None,) * len(twigs),
        chances=tuple(twig.chance for twig in twigs),
    )


def judged(twigs: Sequence[Twig], said: Sequence[int]) -> Iterator[tuple[Twig, bool]]:
    """The twigs that the model has spoken on, by the tokens it said, and whether they were right.

    The path is walked on the drafter's own tree, for what was verified may be a merger of several.
    """
    node = ROOT
    for token in said:
        right = None
        for number, twig in enumerate(twigs):
            if twig.parent == node:
                yield twig, twig.token == token
                if twig.token == token:
                    right = number
        if right is None:
            return
        node = right
