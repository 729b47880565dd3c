"""Counting what follows what, over texts of any length, in bounded memory.

Contexts and next tokens are counted as pairs in one sorted array. When it grows over its limit the
rarest pairs are forgotten (lossy counting, Manku and Motwani 2002), so what is frequent stays.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.drafting.context_keys import keys_in, order_of
from quoth.decoding.tokens import token_array, token_sequence

TOKEN_BITS = 20
MAX_TOKEN = (1 << TOKEN_BITS) - 2
"""The largest token id; the number above it stands for all other tokens."""

_WHAT = "A text for phrases"
_CHUNK = 1 << 17  # tokens counted at once
_NO_PAIRS, _NO_COUNTS = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)


class PhraseCounter:
    """Pairs of a context and the token after it, with counts.

    Args:
        max_pairs: The most pairs kept between texts; while counting, about twice as many.
    """

    def __init__(self, max_pairs: int) -> None:
        self.tokens = 0
        self._max_pairs = max_pairs
        self._waiting: list[NDArray[np.int64]] = []
        self._waiting_tokens = 0
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
        self._forgotten = 1  # pairs up to this count have been dropped

    def add(self, token_ids: Sequence[int]) -> None:
        """Count a text.

        Raises:
            InputError: It is no flat sequence of integers.
            ConfigError: A token id is negative or above `MAX_TOKEN`.
        """
        token_ids = token_sequence(token_ids, _WHAT)
        for start in range(0, len(token_ids), _CHUNK):
            part = token_array(token_ids[start : start + _CHUNK], _WHAT, largest=MAX_TOKEN)
            self._waiting += [np.array([-1]), part]
            self._waiting_tokens += len(part)
            if self._waiting_tokens >= _CHUNK:
                self._count()
        self.tokens += len(token_ids)

    def pairs(
        self,
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:  # [P] each
        """Keys of contexts, next tokens and counts, sorted by key."""
        self._count()
        packed, counts = _merged(self._runs)
        self._runs = [(packed, counts)]
        return packed >> np.uint64(TOKEN_BITS), packed & np.uint64((1 << TOKEN_BITS) - 1), counts

    def _count(self) -> None:
        """Count what waits; merge runs of like size, so that each pair is moved a few times."""
        if not self._waiting:
            return
        tokens = np.concatenate(self._waiting)
        self._waiting, self._waiting_tokens = [], 0
        packed = []
        for ends, keys in keys_in(tokens[:-1]):
            nexts = tokens[ends + 1]
            inside = nexts >= 0
            next_bits = nexts[inside].astype(np.uint64)
            packed.append(keys[inside] << np.uint64(TOKEN_BITS) | next_bits)
        pairs, counts = np.unique(np.concatenate(packed), return_counts=True)
        self._runs.append((pairs, counts))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            self._runs[-2:] = [_merged(self._runs[-2:])]
        if sum(len(pairs) for pairs, _ in self._runs) > self._max_pairs:
            self._forget()

    def _forget(self) -> None:
        packed, counts = _merged(self._runs)
        while len(packed) > self._max_pairs * 3 // 4:
            few = counts <= self._forgotten
            orders = order_of(packed >> np.uint64(TOKEN_BITS))
            longest = int(orders[few].max(initial=1))
            kept = ~few | (orders < longest)  # longer contexts first: they are the most and rarest
            packed, counts = packed[kept], counts[kept]
            self._forgotten += longest == 1
        self._runs = [(packed, counts)]


def _merged(
    runs: Sequence[tuple[NDArray[np.uint64], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """One sorted run of several."""
    packed = np.concatenate([_NO_PAIRS, *(pairs for pairs, _ in runs)])
    counts = np.concatenate([_NO_COUNTS, *(counts for _, counts in runs)])
    order = np.argsort(packed, kind="stable")
    packed, counts = packed[order], counts[order]
    first = np.flatnonzero(np.concatenate(([True], packed[1:] != packed[:-1])))[: len(packed)]
    return packed[first], np.add.reduceat(counts, first) if len(first) else counts
