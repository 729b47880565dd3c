"""Where tokens stand in other tokens."""

from collections.abc import Iterator, Sequence

import numpy as np

_WIDTH = np.dtype(np.int64).itemsize


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
