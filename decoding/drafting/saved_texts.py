"""Past texts as a file has them: all tokens in a row, each text before a separator.

A file may be far longer than what is wanted of it, so it is read from its end, block by block.
"""

from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.drafting.token_ring import MAX_TOKEN, PastText

_BLOCK = 1 << 13  # tokens that are looked at together


def encoded(
    tokens: NDArray[np.int64],  # negative ones separate
    kinds: NDArray[np.uint8],
) -> dict[str, NDArray[np.uint32] | NDArray[np.uint8]]:
    """The arrays of a file: each token and one more, 0 between texts; 1 for those of answers."""
    return {"tokens": (tokens + 1).astype("<u4"), "kinds": kinds.astype("<u1")}


def newest_texts(
    tokens: NDArray[np.uint32],
    kinds: NDArray[np.uint8],
    *,
    most: int,
    longest: int,
) -> Iterator[PastText]:
    """The newest texts that have `most` tokens and separators together, the oldest of them first.

    The oldest may exceed that; of each text that is longer than `longest`, the end is given. What
    is older is not looked at, and memory grows with `most` alone.

    Raises:
        ValueError: The arrays do not hold texts.
    """
    if len(tokens) != len(kinds):
        raise ValueError("there is not one kind for each token")
    kept = array("q")
    taken = 0
    for start, end in _from_the_end(tokens, kinds):
        if taken >= most:
            break
        kept.extend((max(start, end - longest), end))
        taken += kept[-1] - kept[-2] + 1
    for place in range(len(kept) - 2, -1, -2):
        own = slice(kept[place], kept[place + 1])
        answer = np.flatnonzero(kinds[own])
        token_ids = tuple((tokens[own].astype(np.int64) - 1).tolist())
        answer_start = int(answer[0]) if len(answer) else len(token_ids)
        yield PastText(token_ids=token_ids, answer_start=answer_start)


def _from_the_end(
    tokens: NDArray[np.uint32], kinds: NDArray[np.uint8]
) -> Iterator[tuple[int, int]]:
    """Where each text begins and ends, the last one first."""
    end = len(tokens)
    for last in range(len(tokens), 0, -_BLOCK):
        first = max(0, last - _BLOCK)
        block = tokens[first:last]
        if block.max() > MAX_TOKEN + 1 or kinds[first:last].max() > 1:
            raise ValueError("a number is too large")
        before = np.append(tokens[first - 1] if first else 0, block[:-1])
        changes = np.flatnonzero((block > 0) != (before > 0))
        for place in changes[::-1].tolist():
            if block[place]:
                yield first + place, end
            else:
                end = first + place
