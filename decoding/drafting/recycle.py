"""The recycle drafter: what the model found likely after a token, the last time it was read.

After Token Recycling (Luo et al., "Turning Trash into Treasure", ACL 2025, arXiv 2408.08696): every
verification also says what the model expects after tokens that were guessed wrongly. The most
likely successors of each token are kept, and a small tree of them is the next draft. Nothing is
copied, so it helps where a text is new. The paper verifies a fixed tree of 80 nodes; here a node is
drafted only if it is worth its row, by its rank and depth and by what became of such nodes. And
successors are kept for pairs of tokens too, which are right far more often.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import ROOT, Draft
from quoth.decoding.drafting.growing import Candidate, Grower, Rates, Twig
from quoth.decoding.drafting.protocol import DraftSession, Outcome, ReferenceTokens
from quoth.decoding.drafting.successors import SuccessorStore

_MAX_NODES = 7
_DEEPEST = 2  # from here on depths are one group
_UNKNOWN = 0.01
_PRIORS: Mapping[Hashable, float] = MappingProxyType(
    {  # (known by, rank, depth): fitted to answers of quoth-mini, docs/log.md
        ("pair", 0, 0): 0.48,
        ("pair", 0, 1): 0.75,
        ("pair", 0, 2): 0.9,
        ("pair", 1, 0): 0.035,
        ("rest", 0, 0): 0.06,
        ("rest", 0, 1): 0.03,
        ("rest", 1, 0): 0.024,
        ("token", 0, 0): 0.09,
        ("token", 0, 1): 0.09,
        ("token", 0, 2): 0.09,
    }
)


class RecycleDrafter:
    """Drafts from the model's own expectations. One drafter serves any number of sequences.

    Args:
        config: What a draft may cost.
        store: Where successors are kept, so that later texts of the same user profit from earlier
            ones; None: each session has its own.
    """

    name = "recycle"
    needs_predictions = True

    def __init__(
        self, config: DecodingConfig | None = None, store: SuccessorStore | None = None
    ) -> None:
        self._config = config or DecodingConfig()
        self._store = store

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002 - nothing is copied
    ) -> DraftSession:
        """A session that knows what the store has."""
        store = SuccessorStore() if self._store is None else self._store
        return RecycleSession(prompt, self._config, store)


class RecycleSession:
    """The drafting of one sequence."""

    def __init__(
        self, prompt: Sequence[int], config: DecodingConfig, store: SuccessorStore
    ) -> None:
        self._store = store
        self._grower = Grower(Rates(_PRIORS, _UNKNOWN), config, max_nodes=_MAX_NODES)
        self._before, self._last = [0, *prompt][-2:]

    def propose(self, budget: int) -> Draft:
        """The likeliest successors, and theirs."""
        return self._grower.draft(self._children, budget)

    def observe(self, outcome: Outcome) -> None:
        """Keep what the model expected, and see how the own draft fared."""
        self._grower.learn(outcome.token_ids)
        if outcome.predicted is not None:
            self._keep(outcome, outcome.predicted)
        self._before, self._last = [self._last, *outcome.token_ids][-2:]

    def _children(self, twigs: Sequence[Twig], node: int) -> Iterable[Candidate]:
        before, token, depth = self._before, self._last, 0
        if node != ROOT:
            twig = twigs[node]
            before = self._last if twig.parent == ROOT else twigs[twig.parent].token
            token, depth = twig.token, min(twig.depth + 1, _DEEPEST)
        known = self._store.after_pair(before, token)
        others = [other for other in self._store.after(token) if other not in known]
        kind = "rest" if known else "token"
        return [
            *(Candidate(token, ("pair", rank, depth)) for rank, token in enumerate(known)),
            *(Candidate(token, (kind, rank, depth)) for rank, token in enumerate(others)),
        ]

    def _keep(self, outcome: Outcome, predicted: NDArray[np.int64]) -> None:
        """Wrong nodes first, so that what followed in the text itself outlives them."""
        tokens = [self._last, *outcome.draft.tokens]
        before = [self._before, *(tokens[parent + 1] for parent in outcome.draft.parents)]
        right = {0, *(node + 1 for node in outcome.accepted)}
        rows = sorted(range(len(tokens)), key=right.__contains__)
        self._store.learn(
            [before[row] for row in rows], [tokens[row] for row in rows], predicted[rows]
        )
