"""The commonest tokens of a text: what to guess where nothing else is known."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from quoth.decoding.drafting.prepared import PreparedTokens
from quoth.decoding.token_search import Array, merging_order

_MOST = 4


class CommonTokens:
    """Counts tokens and knows the commonest."""

    def __init__(self, texts: Sequence[PreparedTokens]) -> None:
        known, times = _total([text.counts for text in texts])
        self._counts = Counter(dict(zip(known.tolist(), times.tolist(), strict=True)))
        self._total = int(times.sum())
        self._most = [token for token, _ in self._counts.most_common(_MOST)]

    def add(self, token_ids: Sequence[int]) -> None:
        """Count further tokens."""
        counts, most = self._counts, self._most
        for token in token_ids:
            counts[token] += 1
            if token not in most and (len(most) < _MOST or counts[token] > counts[most[-1]]):
                self._most = most = [*most[: _MOST - 1], token]
                most.sort(key=counts.__getitem__, reverse=True)
        self._total += len(token_ids)

    def most(self) -> list[tuple[int, float]]:
        """The commonest, and how much of the text each makes up."""
        return [(token, self._counts[token] / self._total) for token in self._most]


def _total(counts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Tokens, rising, and how often all texts together say each."""
    tokens = np.concatenate([known for known, _ in counts])
    times = np.concatenate([often for _, often in counts])
    order = merging_order(tokens)
    tokens, times = tokens[order], times[order]
    firsts = np.flatnonzero(np.diff(tokens, prepend=-1))
    if not len(firsts):
        return tokens, times
    return tokens[firsts], np.add.reduceat(times, firsts)
