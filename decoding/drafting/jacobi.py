"""The jacobi drafter: the model's own guesses behind a wrong token are the next draft.

Jacobi decoding (Santilli et al., arXiv 2305.10427; in the form with a cache of CLLM, Kou et al.,
arXiv 2403.00835) solves for a window of n tokens at once: guess them all, let one pass say what the
model puts at each place, guess that, and so on. A pass settles the first open token at least, so n
tokens take at most n passes, and the fixed point is what plain decoding writes. One iteration is
the verification of a draft; so this drafter needs no pass of its own: it reads what the model said
behind the tokens that were refused, whoever drafted them. Where the papers solve one window after
the other, this one moves on with every settled token, which took fewer passes.
"""

import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import ROOT, Draft
from quoth.decoding.drafting.growing import Candidate, Grower, Rates, Twig
from quoth.decoding.drafting.protocol import DraftSession, Outcome, ReferenceTokens
from quoth.errors import ConfigError

_DEEPEST = 3  # from here on depths are one group
_UNKNOWN = 0.01
_PRIORS: Mapping[Hashable, float] = MappingProxyType(
    {  # (where from, rank, depth): fitted to answers of quoth-mini, docs/log.md
        ("said", 0, 0): 0.45,
        ("said", 0, 1): 0.2,
        ("said", 0, 2): 0.11,
        ("said", 0, 3): 0.1,
        ("said", 1, 0): 0.05,
        ("said", 1, 1): 0.05,
        ("said", 2, 0): 0.02,
    }
)


class JacobiDrafter:
    """Drafts what the last pass said of tokens to come. One drafter serves many sequences.

    Args:
        config: What a draft may cost.
        window: Tokens that are solved for at once, the one that is known already among them;
            2 at least.
    """

    name = "jacobi"
    needs_predictions = True

    def __init__(self, config: DecodingConfig | None = None, window: int = 8) -> None:
        if window < 2:
            raise ConfigError(f"window is {window}; it must be an integer of at least 2.")
        self._config = config or DecodingConfig()
        self._window = window

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002 - nothing is copied
    ) -> DraftSession:
        """A session whose window begins with tokens of the prompt, drawn at random."""
        return JacobiSession(prompt, self._config, self._window)


class JacobiSession:
    """The drafting of one sequence."""

    def __init__(self, prompt: Sequence[int], config: DecodingConfig, window: int) -> None:
        self._text = list(prompt)
        self._grower = Grower(Rates(_PRIORS, _UNKNOWN), config, max_nodes=window - 1)
        self._chance = random.Random(len(prompt))
        self._guesses: list[list[int]] = []  # for each place to come, best first

    def propose(self, budget: int) -> Draft:
        """The window's tokens as they stand, with other candidates beside them."""
        return self._grower.draft(self._children, budget)

    def observe(self, outcome: Outcome) -> None:
        """Take what the model said behind the refused tokens."""
        self._grower.learn(outcome.token_ids)
        self._text += outcome.token_ids
        said = [] if outcome.predicted is None else _behind(outcome, outcome.predicted)
        known = self._guesses[len(outcome.token_ids) :]
        self._guesses = said + known[len(said) :]  # what was not read stays as it was

    def _children(self, twigs: Sequence[Twig], node: int) -> Iterable[Candidate]:
        depth = 0 if node == ROOT else twigs[node].depth + 1
        group = min(depth, _DEEPEST)
        if depth >= len(self._guesses):  # a place that no pass has reached yet
            return [Candidate(self._chance.choice(self._text), ("drawn", 0, group))]
        return [
            Candidate(token, ("said", rank, group))
            for rank, token in enumerate(self._guesses[depth])
        ]


def _behind(outcome: Outcome, predicted: NDArray[np.int64]) -> list[list[int]]:
    """What the model put after the refused nodes: for each place to come, best first.

    The first of them stands in the last token's place, best behind all that was right; from there
    the longest branch.
    """
    parents, place = outcome.draft.parents, len(outcome.token_ids) - 1
    depths: list[int] = []
    for parent in parents:
        depths.append(0 if parent == ROOT else depths[parent] + 1)
    below = [0] * len(parents)  # levels under each node
    for node in range(len(parents) - 1, -1, -1):
        if (parent := parents[node]) != ROOT:
            below[parent] = max(below[parent], below[node] + 1)
    right = outcome.accepted[-1] if outcome.accepted else ROOT
    line: list[int] = []
    choice = [node for node, depth in enumerate(depths) if depth == place]
    while choice:
        node = max(choice, key=lambda each: (parents[each] == right, below[each], -each))
        line.append(node)
        choice = [child for child in range(node + 1, len(parents)) if parents[child] == node]
    said: list[list[int]] = predicted[[1 + each for each in line]].tolist() if line else []
    return said
