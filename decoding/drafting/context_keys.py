"""The last few tokens as a number, by which stores find what followed them.

A key has 44 bits: 41 of a hash and 3 that say how many tokens it stands for. Two contexts share a
key by chance about once in 10 ** 12 pairs, which costs a wrong guess and nothing else. `keys_in`
(NumPy, a whole text) and `keys_before` (one place) give the same numbers.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

ORDERS = 4
"""The longest context, in tokens."""

KEY_BITS = 44

_ORDER_BITS = 3
_MIX = 0x9E3779B97F4A7C15  # 2 ** 64 / golden ratio: spreads neighbouring numbers
_MASK = (1 << 64) - 1
_FOLD = 32
_HASH_SHIFT = 64 - (KEY_BITS - _ORDER_BITS)


def keys_before(
    context: Sequence[int],  # the last token first
) -> list[int]:
    """The keys of the last 1, 2, ... tokens, `ORDERS` at most."""
    keys = []
    state = 0
    for order, token in enumerate(context[:ORDERS], start=1):
        state = ((state ^ (token + 1)) * _MIX) & _MASK
        state ^= state >> _FOLD
        keys.append((state >> _HASH_SHIFT) << _ORDER_BITS | order)
    return keys


def keys_in(
    tokens: NDArray[np.int64],  # [N]; a negative number stands between texts
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """For each order: the places where a context ends, within one text, and the contexts' keys."""
    place = np.arange(len(tokens))
    borders = np.maximum.accumulate(np.where(tokens < 0, place, -1))
    state = np.zeros(len(tokens), dtype=np.uint64)
    for order in range(1, min(ORDERS, len(tokens)) + 1):
        added = np.zeros_like(state)
        added[order - 1 :] = (tokens[: len(tokens) - order + 1] + 1).astype(np.uint64)
        state = (state ^ added) * np.uint64(_MIX)
        state ^= state >> np.uint64(_FOLD)
        ends = np.flatnonzero(place - borders >= order)
        yield (
            ends,
            state[ends] >> np.uint64(_HASH_SHIFT) << np.uint64(_ORDER_BITS) | np.uint64(order),
        )


def order_of(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """How many tokens each key stands for."""
    return keys & np.uint64((1 << _ORDER_BITS) - 1)
