"""The recycle drafter: what the model found likely after a token, the last time it was read.

After Token Recycling (Luo et al., "Turning Trash into Treasure", ACL 2025, arXiv 2408.08696): every
verification also says what the model expects after tokens that were guessed wrongly. The most
likely successors of each token are kept, and a small tree of them is the next draft. Nothing is
copied, so it helps where a text is new. The paper verifies a fixed tree of 80 nodes; here a node is
drafted only if it is worth its row, by its rank and depth and by what became of such nodes.
"""

from collections.abc import Hashable, Iterable, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import ROOT, Draft
from quoth.decoding.drafting.growing import Candidate, Rates, Twig, draft_of, grow, judged
from quoth.decoding.drafting.protocol import DraftSession, Outcome, ReferenceTokens
from quoth.decoding.drafting.successors import SuccessorStore

_MAX_NODES = 7
_DEPTHS = 3  # from here on depths are one group


_PRIORS: MappingProxyType[Hashable, float] = MappingProxyType({})


class RecycleDrafter:
    """Drafts from the model's own expectations. One drafter serves any number of sequences.

    Args:
        config: What a draft may cost.
        store: Where successors are kept, so that later texts profit; None: each session its own.
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
        """A session that knows nothing yet, but for what the store has."""
        store = SuccessorStore() if self._store is None else self._store
        return RecycleSession(prompt, self._config, store)


class RecycleSession:
    """The drafting of one sequence."""

    def __init__(
        self, prompt: Sequence[int], config: DecodingConfig, store: SuccessorStore
    ) -> None:
        self._config = config
        self._store = store
        self._rates = Rates(_PRIORS)
        self._twigs: list[Twig] = []
        self._last = [0, 0, *prompt][-2:]  # the text's last two tokens

    def propose(self, budget: int) -> Draft:
        """The likeliest successors, and theirs."""
        budget = min(budget, self._config.max_draft_tokens, _MAX_NODES)
        self._twigs = grow(self._children, self._rates, self._config, budget=budget)
        return draft_of(self._twigs)

    def observe(self, outcome: Outcome) -> None:
        """Keep what the model expected, and see how the own draft fared."""
        for twig, was_right in judged(self._twigs, outcome.token_ids):
            self._rates.learn(twig.group, was_right=was_right)
        self._twigs = []
        if outcome.predicted is not None:
            self._keep(outcome, outcome.predicted)
        self._last = [*self._last, *outcome.token_ids][-2:]

    def _children(self, twigs: Sequence[Twig], node: int) -> Iterable[Candidate]:
        if node == ROOT:
            (before, token), depth = self._last, 0
        else:
            twig = twigs[node]
            before = self._last[1] if twig.parent == ROOT else twigs[twig.parent].token
            token, depth = twig.token, twig.depth + 1
        known = self._store.after_pair(before, token)
        others = [other for other in self._store.after(token) if other not in known]
        depth, kind = min(depth, _DEPTHS), "rest" if known else "token"
        return [
            *(Candidate(token, ("pair", rank, depth)) for rank, token in enumerate(known)),
            *(Candidate(token, (kind, rank, depth)) for rank, token in enumerate(others)),
        ]

    def _keep(self, outcome: Outcome, predicted: NDArray[np.int64]) -> None:
        """Wrong nodes first, so that what followed in the text itself outlives them."""
        tokens = [self._last[1], *outcome.draft.tokens]
        before = [self._last[0], *(tokens[parent + 1] for parent in outcome.draft.parents)]
        right = {node + 1 for node in outcome.accepted} | {0}
        rows = sorted(range(len(tokens)), key=right.__contains__)
        self._store.learn(
            [before[row] for row in rows], [tokens[row] for row in rows], predicted[rows]
        )
