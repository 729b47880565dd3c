"""A draft tree that grows at its most promising end, and learns from what became of it.

For drafters whose candidates depend on the node they follow: each candidate belongs to a group, the
group knows how often its candidates were right, and a node's chance is the product along its path.
The best chance is added first, while it is at least what a row of the forward pass costs. Knows
token ids only.
"""

import heapq
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from quoth.decoding.acceptance import judge
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, ROOT, Draft

_PRIOR_WEIGHT = 8.0  # candidates that a prior counts for
_MEMORY = 0.98  # of a group, at each of its candidates that was judged
_HIGHEST = 0.98


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


class Rates:
    """How often the candidates of each group were right, learned online with slow forgetting.

    Args:
        priors: The share that a group begins with.
        unknown: The same for groups that are not named.
    """

    def __init__(self, priors: Mapping[Hashable, float], unknown: float) -> None:
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


class Grower:
    """Grows one sequence's drafts.

    Args:
        rates: What is known of candidates; it is taught here.
        config: The most nodes, and what a node must promise: those that fit into the rows that a
            pass has anyway are taken whatever they promise, the others if they survive with the
            probability `min_survival`. Without `forks` a draft is the chain of best children.
        max_nodes: More is never drafted.
    """

    def __init__(self, rates: Rates, config: DecodingConfig, *, max_nodes: int) -> None:
        self._rates = rates
        self._config = config
        self._max_nodes = min(max_nodes, config.max_draft_tokens)
        self._twigs: list[Twig] = []
        self._draft = NO_DRAFT

    def draft(self, children: Children, budget: int) -> Draft:
        """A draft of at most `budget` nodes, nothing of it copied."""
        self._twigs = self._grown(children, min(budget, self._max_nodes))
        self._draft = Draft(
            tokens=tuple(twig.token for twig in self._twigs),
            parents=tuple(twig.parent for twig in self._twigs),
            origins=(None,) * len(self._twigs),
            chances=tuple(twig.chance for twig in self._twigs),
        )
        return self._draft

    def learn(self, token_ids: Sequence[int]) -> None:
        """The model has said these tokens where the last draft stood."""
        for node, was_right in judge(self._draft, token_ids):
            self._rates.learn(self._twigs[node].group, was_right=was_right)
        self._draft = NO_DRAFT

    def _grown(self, children: Children, budget: int) -> list[Twig]:
        config = self._config
        twigs: list[Twig] = []
        waiting: list[tuple[float, int, Twig]] = []
        order = count()  # of equal chances the first

        def offer(parent: int, above: float, depth: int) -> None:
            for token, group in children(twigs, parent):
                chance = above * self._rates[group]
                twig = Twig(token, parent, depth, chance, group)
                heapq.heappush(waiting, (-chance, next(order), twig))

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
