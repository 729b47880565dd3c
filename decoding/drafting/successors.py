"""The latest likely successors of each token, and of each pair of tokens, in bounded tables.

Rows are written whole and read whole, so one store may serve many sessions, also at once. What a
model expects tells of what it read: share a store only among texts of one user.
"""

from threading import Lock

import numpy as np
from numpy.typing import NDArray

RANKS = 3
"""So many successors are kept."""

_PAIR_BITS = 16
_MIX_BEFORE, _MIX_TOKEN = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_WORD = (1 << 64) - 1


class SuccessorStore:
    """Two tables of `RANKS` successors: one row per token id, and hashed rows for pairs.

    The first grows with the ids it meets, to 12 bytes for each id below `max_tokens` (1.8 MB for
    150,000); the second has 65,536 rows of 16 bytes, where a new pair overwrites an old one.

    Args:
        max_tokens: Higher ids are not kept.
    """

    def __init__(self, max_tokens: int = 2**18) -> None:
        self._max_tokens = max_tokens
        self._lock = Lock()
        self._single = np.zeros((0, RANKS), dtype=np.int32)  # token + 1; 0 is none
        # The first column tells which pair it is, as far as 31 bits can.
        self._pairs = np.zeros((1 << _PAIR_BITS, 1 + RANKS), dtype=np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes in use."""
        return self._single.nbytes + self._pairs.nbytes

    def learn(
        self,
        before: list[int],
        tokens: list[int],
        successors: NDArray[np.int64],  # [len(tokens), up to RANKS], best first
    ) -> None:
        """Keep what may follow these tokens and the pairs they end; the last of equals counts."""
        table = successors[:, :RANKS] + 1
        if (highest := max(tokens)) >= self._max_tokens:
            kept = [row for row, token in enumerate(tokens) if token < self._max_tokens]
            before, tokens = [before[row] for row in kept], [tokens[row] for row in kept]
            if not tokens:
                return
            table, highest = table[kept], max(tokens)
        keys = [_pair_key(*pair) for pair in zip(before, tokens, strict=True)]
        with self._lock:
            if highest >= len(self._single):
                self._grow(highest + 1)
            self._single[tokens, : table.shape[1]] = table
            slots, checks = zip(*keys, strict=True)
            self._pairs[list(slots), 0] = checks
            self._pairs[list(slots), 1 : 1 + table.shape[1]] = table

    def after(self, token: int) -> list[int]:
        """Successors of a token, best first."""
        if token >= len(self._single):
            return []
        found: list[int] = self._single[token].tolist()
        return [successor - 1 for successor in found if successor]

    def after_pair(self, before: int, token: int) -> list[int]:
        """Successors of a token that stood behind `before`, best first."""
        slot, check = _pair_key(before, token)
        found: list[int] = self._pairs[slot].tolist()
        if found[0] != check:
            return []
        return [successor - 1 for successor in found[1:] if successor]

    def _grow(self, needed: int) -> None:
        grown = np.zeros(
            (min(self._max_tokens, max(needed, 2 * len(self._single))), RANKS), np.int32
        )
        grown[: len(self._single)] = self._single
        self._single = grown


def _pair_key(before: int, token: int) -> tuple[int, int]:
    """Row of a pair, and what tells it from others there (never 0)."""
    mixed = (before * _MIX_BEFORE + token * _MIX_TOKEN) & _WORD
    mixed ^= mixed >> 29
    mixed = (mixed * _MIX_BEFORE) & _WORD
    return mixed >> (64 - _PAIR_BITS), (mixed & 0x7FFFFFFF) | 1
