"""Damaging and rewriting the files that stores keep."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def damaged_copies(path: Path, step: int = 1) -> list[bytes]:
    """The file with one byte changed, for every `step`-th byte, and cut after it."""
    whole = path.read_bytes()
    flipped = [
        whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
        for place in range(0, len(whole), step)
    ]
    return flipped + [whole[:place] for place in range(0, len(whole), step)]


def hostile_numbers(length: int, seed: int) -> NDArray[np.uint32]:
    """Numbers up to the largest, in an order that says nothing."""
    return np.random.default_rng(seed).integers(0, 1 << 32, length, dtype=np.uint32)
