"""Where tokens stand in other tokens."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]

_WIDTH = np.dtype(np.int64).itemsize
_FEW_NEEDLES = 16  # are sought one by one
_MOST_PLACES = 32  # of a pair of tokens; else it tells too little
_MIX, _PAIR = 0x9E3779B97F4A7C1, (1 << 48) - 1


def as_bytes(token_ids: Sequence[int]) -> bytes:
    """Tokens in the form in which they can be searched, `_WIDTH` bytes each."""
    return np.asarray(token_ids, dtype=np.int64).tobytes()


def find_all(needle: bytes, haystack: bytes) -> Iterator[int]:
    """Positions, in tokens and ascending, at which `needle` stands; none for an empty one."""
    at = haystack.find(needle) if needle else -1
    while at >= 0:
        if at % _WIDTH == 0:
            yield at // _WIDTH
        at = haystack.find(needle, at + 1)


def find_each(needles: Sequence[Sequence[int]], haystack: Sequence[int]) -> list[list[int]]:
    """For each needle the positions at which it stands, ascending.

    A thousand needles are not sought one by one: where the two tokens in a needle's middle stand
    together is looked up in one sorted order of all pairs.
    """
    text = as_bytes(haystack)
    if len(needles) <= _FEW_NEEDLES:
        return [[*find_all(as_bytes(needle), text)] for needle in needles]
    pairs = _pairs(np.asarray(haystack, dtype=np.int64))
    order = stable_order(pairs)
    pairs = pairs[order]
    found: list[list[int]] = []
    for needle in needles:
        sought, middle = as_bytes(needle), max(0, len(needle) // 2 - 1)
        wanted = _pairs(np.asarray(needle[middle : middle + 2], dtype=np.int64))
        first = pairs.searchsorted(wanted).tolist()
        last = pairs.searchsorted(wanted, side="right").tolist()
        if not first or last[0] - first[0] > _MOST_PLACES:
            found.append([*find_all(sought, text)])
            continue
        starts = [place - middle for place in order[first[0] : last[0]].tolist()]
        found.append([at for at in starts if at >= 0 and text.startswith(sought, at * _WIDTH)])
    return found


def stable_order(numbers: Array) -> Array:
    """`numpy.argsort(numbers, kind="stable")` for numbers that are not negative, in half the time.

    16 bits at a time, for which NumPy has a radix sort.
    """
    order: Array = np.argsort((numbers & 0xFFFF).astype(np.uint16), kind="stable")
    for shift in range(16, int(numbers.max(initial=0)).bit_length(), 16):
        part = (numbers >> shift & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(part[order], kind="stable")]
    return order


def _pairs(tokens: Array) -> Array:
    """A number for each token and the one after it; seldom the same for two pairs."""
    pairs: Array = (tokens[:-1] * _MIX + tokens[1:]) & _PAIR
    return pairs
