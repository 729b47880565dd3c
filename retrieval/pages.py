"""Offsets to pages."""

from bisect import bisect_right
from collections.abc import Sequence


def page_at(page_starts: Sequence[int], offset: int) -> int | None:
    """The page, from 1, that holds the character at `offset`; None where there are no pages."""
    if not page_starts:
        return None
    return max(1, bisect_right(page_starts, offset))
