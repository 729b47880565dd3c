"""Where the words of a document stand on its pages, packed small."""

import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quoth.retrieval.documents import PageRect

_SCALE = 10.0  # tenths of a point
_ROW = 7  # start, end, page, left, bottom, right, top
_SAME_LINE = 0.5  # of the lower one's height


@dataclass(frozen=True, slots=True, kw_only=True)
class WordBoxes:
    """One row per word: start, end, page (from 1), left, bottom, right, top in tenths of points."""

    rows: NDArray[np.int32]  # [words, 7], by start

    def rectangles(self, start: int, end: int) -> list[PageRect]:
        """What `[start, end)` covers, word by word, joined along each line."""
        first = int(np.searchsorted(self.rows[:, 1], start, side="right"))
        last = int(np.searchsorted(self.rows[:, 0], end, side="left"))
        rects = [_rect(row) for row in self.rows[first:last].tolist()]
        joined = rects[:1]
        for before, rect in pairwise(rects):
            if _on_one_line(before, rect):
                joined[-1] = _around(joined[-1], rect)
            else:
                joined.append(rect)
        return joined

    def packed(self) -> bytes:
        """Bytes for the database."""
        deltas = np.diff(self.rows, axis=0, prepend=np.zeros((1, _ROW), np.int32))
        return zlib.compress(np.ascontiguousarray(deltas.T).astype("<i4").tobytes(), 6)


def unpacked(content: bytes) -> WordBoxes:
    """The inverse of `WordBoxes.packed`.

    Raises:
        ValueError: These bytes are not from there.
    """
    try:
        deltas = np.frombuffer(zlib.decompress(content), dtype="<i4").reshape(_ROW, -1)
    except zlib.error as error:
        raise ValueError(f"word boxes are damaged: {error}") from error
    return WordBoxes(rows=np.cumsum(deltas.T, axis=0, dtype=np.int32))


def word_boxes(rows: ArrayLike) -> WordBoxes:
    """From start, end, page, and left, bottom, right, top in points, word after word."""
    table = np.array(rows, dtype=np.float64).reshape(-1, _ROW)
    table[:, 3:] = np.clip(np.round(table[:, 3:] * _SCALE), -1e6, 1e6)
    return WordBoxes(rows=table.astype(np.int32))


def _rect(row: list[int]) -> PageRect:
    left, bottom, right, top = (value / _SCALE for value in row[3:])
    return PageRect(page=row[2], left=left, bottom=bottom, right=right, top=top)


def _on_one_line(before: PageRect, after: PageRect) -> bool:
    shared = min(before.top, after.top) - max(before.bottom, after.bottom)
    height = min(before.top - before.bottom, after.top - after.bottom)
    goes_on = after.left >= before.left
    return before.page == after.page and goes_on and shared >= _SAME_LINE * height


def _around(a: PageRect, b: PageRect) -> PageRect:
    return PageRect(
        page=a.page,
        left=min(a.left, b.left),
        bottom=min(a.bottom, b.bottom),
        right=max(a.right, b.right),
        top=max(a.top, b.top),
    )
