"""Where tokens stand in other tokens."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]

_WIDTH = np.dtype(np.int64).itemsize
_FEW_NEEDLES = 16  # are sought one by one
_MOST_PLACES = 32  # of a pair of tokens; else it tells too little
_MANY = 5000
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


class Needle:
    """Tokens to be found in others, any number of times."""

    def __init__(self, token_ids: Sequence[int]) -> None:
        self.middle = max(0, len(token_ids) // 2 - 1)
        self.bytes = as_bytes(token_ids)
        pair = token_ids[self.middle : self.middle + 2]
        self.pair = _pairs(np.asarray(pair, dtype=np.int64))  # [1]; [0] for fewer tokens


def find_each(needles: Sequence[Needle], haystack: Sequence[int]) -> list[list[int]]:
    """For each needle the positions at which it stands, ascending.

    A thousand needles are not sought one by one: where the two tokens in a needle's middle stand
    together is looked up in one sorted order of all pairs.
    """
    text = as_bytes(haystack)
    if len(needles) <= _FEW_NEEDLES:
        return [[*find_all(needle.bytes, text)] for needle in needles]
    pairs = _pairs(np.frombuffer(text, dtype=np.int64))
    order = stable_order(pairs)
    pairs = pairs[order]
    wanted = np.concatenate([needle.pair for needle in needles if len(needle.pair)] or [pairs[:0]])
    ranges = zip(
        pairs.searchsorted(wanted).tolist(),
        pairs.searchsorted(wanted, side="right").tolist(),
        strict=True,
    )
    found: list[list[int]] = []
    for needle in needles:
        first, last = next(ranges) if len(needle.pair) else (0, len(pairs))
        if last - first > _MOST_PLACES or not len(needle.pair):
            found.append([*find_all(needle.bytes, text)])
            continue
        starts = [place - needle.middle for place in order[first:last].tolist()]
        found.append(
            [at for at in starts if at >= 0 and text.startswith(needle.bytes, at * _WIDTH)]
        )
    return found


def stable_order(numbers: Array) -> Array:
    """`numpy.argsort(numbers, kind="stable")` for numbers that are not negative, in half the time.

    Many are sorted by 16 bits at a time, for which NumPy has a radix sort.
    """
    if len(numbers) < _MANY:
        return merging_order(numbers)
    order: Array = np.argsort((numbers & 0xFFFF).astype(np.uint16), kind="stable")
    for shift in range(16, int(numbers.max(initial=0)).bit_length(), 16):
        part = (numbers >> shift & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(part[order], kind="stable")]
    return order


def merging_order(numbers: Array) -> Array:
    """The stable order of numbers that come in a few rising runs, which are merged."""
    order: Array = np.argsort(numbers, kind="stable")  # timsort, which looks for runs
    return order


def _pairs(tokens: Array) -> Array:
    """A number for each token and the one after it; seldom the same for two pairs."""
    pairs: Array = (tokens[:-1] * _MIX + tokens[1:]) & _PAIR
    return pairs
