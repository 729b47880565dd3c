"""What is measured must not be trained on, not even nearly: shared runs of eight words.

Two texts are near-duplicates where many of their word 8-grams are the same (Lee et al.,
arXiv 2107.06499, find runs of tokens likewise); case, punctuation and line breaks do not count.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_SIZE = 8


def shingles(text: str, *, size: int = _SIZE) -> set[int]:
    """Hashes of all runs of ``size`` words; a shorter text is one run."""
    words = _WORD.findall(text.casefold())
    runs = (" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1)))
    return {zlib.crc32(run.encode()) for run in runs}


class Seen:
    """The texts that were seen, by their shingles."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Start from ``texts``."""
        self._known: set[int] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """See one more text."""
        self._known |= shingles(text)

    def share(self, text: str) -> float:
        """The share of the text's shingles that were seen, from 0 to 1."""
        own = shingles(text)
        return len(own & self._known) / len(own)

    def has(self, text: str, *, share: float) -> bool:
        """Whether at least ``share`` of it was seen."""
        return self.share(text) >= share
