"""Lines of a page: words on one height, in cells where wide gaps part them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.loaders.pdf_words import Box, PageWord, around, is_right_to_left

_CELL_GAP = 0.9  # of the letters' height: no space between words is as wide
_LETTER_GAP = 0.12  # of the letters' height: a space is wider
_SAME_LINE = 0.5  # of the lower one's height
_UPRIGHT = 2.5  # a run of horizontal words is no taller than so many of their heights
_NUMERIC = re.compile(
    r"[($€£¥]*[-–+]?\d(?:[\d,.]*\d)?(?:[%)x]|bps|pts?)*(?:\(\w\))?$|[$€£¥%—–-]+\)?$|\)%?$|N/?[AM]$",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:\(\w\))?$")


class Word(NamedTuple):
    """`line.text[start:end]` stands at `box`."""

    start: int
    end: int
    box: Box


@dataclass(frozen=True)
class Cell:
    """Words next to each other."""

    words: tuple[PageWord, ...]

    @cached_property
    def box(self) -> Box:
        """Around its words, in points."""
        return around([word.box for word in self.words])

    @cached_property
    def size(self) -> float:
        """The height of its largest letters, in points."""
        return max(word.size for word in self.words)

    @cached_property
    def is_numeric(self) -> bool:
        """Whether it holds numbers and their signs, and nothing else."""
        return all(_NUMERIC.match(word.text) for word in self.words)

    @cached_property
    def is_year(self) -> bool:
        """Whether it holds years and nothing else."""
        return all(_YEAR.match(word.text) for word in self.words)

    @property
    def is_upright(self) -> bool:
        """Whether its words stand beside each other and not above."""
        return self.box.top - self.box.bottom <= _UPRIGHT * self.size or len(self.words) == 1


@dataclass(frozen=True)
class PageLine:
    """Cells that stand beside each other, from left to right. It holds at least one word."""

    cells: tuple[Cell, ...]

    @cached_property
    def text(self) -> str:
        """Its words with single spaces."""
        return " ".join(word.text for cell in self.cells for word in cell.words)

    def words(self) -> Iterator[Word]:
        """Its words by their place in `text`."""
        start = 0
        for cell in self.cells:
            for word in cell.words:
                yield Word(start, start + len(word.text), word.box)
                start += len(word.text) + 1

    @cached_property
    def box(self) -> Box:
        """Around its words, in points."""
        return around([cell.box for cell in self.cells])

    @cached_property
    def height(self) -> float:
        """Of its largest letters, in points."""
        return max(cell.size for cell in self.cells)

    @property
    def is_broken(self) -> bool:
        """Whether it ended in a hyphen, which `text` does not hold."""
        return self.cells[-1].words[-1].is_broken

    @cached_property
    def is_bold(self) -> bool:
        """Whether all of its words are."""
        return all(word.is_bold for cell in self.cells for word in cell.words)

    @cached_property
    def is_data_row(self) -> bool:
        """Whether it is a row of a table with numbers in it; a row of years is none."""
        numbers = [cell for cell in self.cells if cell.is_numeric]
        if all(cell.is_year for cell in numbers):
            return False
        return len(numbers) >= 2 or (len(self.cells) >= 2 and self.cells[-1].is_numeric)


def cells_of(runs: Iterable[Sequence[PageWord]]) -> list[Cell]:
    """Runs cut at wide gaps, and where they go back to the left."""
    cells = []
    for run in runs:
        begun = [run[0]]
        for word in run[1:]:
            if _parts(begun[-1], word):
                cells.append(Cell(tuple(begun)))
                begun = []
            begun.append(word)
        cells.append(Cell(tuple(begun)))
    return cells


def lines_of(cells: Sequence[Cell]) -> list[PageLine]:
    """Cells put together to lines, from top to bottom."""
    rows: list[list[Cell]] = []
    reference: Cell | None = None  # the largest letters of the row decide what is on its height
    for cell in sorted(cells, key=_middle, reverse=True):
        if reference and cell.is_upright and reference.is_upright and _same_line(reference, cell):
            rows[-1].append(cell)
            reference = max(reference, cell, key=lambda each: each.size)
        else:
            rows.append([cell])
            reference = cell
    order = {id(cell): place for place, cell in enumerate(cells)}
    return [_line(sorted(row, key=lambda cell: order[id(cell)])) for row in rows]


def _line(row: list[Cell]) -> PageLine:
    """A line of cells that come in the order in which they are drawn."""
    words = [word for cell in row for word in cell.words]
    if len(row) > 1 and not any(is_right_to_left(word.text) for word in words):
        first = {id(cell.words[0]) for cell in row}
        words.sort(key=lambda word: word.box.left)  # raised letters are drawn apart
        words = _whole(words, first)
    cells: list[list[PageWord]] = [[words[0]]]
    for word in words[1:]:
        if _parts(cells[-1][-1], word):
            cells.append([])
        cells[-1].append(word)
    return PageLine(tuple(Cell(tuple(each)) for each in cells))


def _whole(words: list[PageWord], first: set[int]) -> list[PageWord]:
    """Words put together again of which PDFium took the parts, or the letters, for lines."""
    whole = words[:1]
    for word in words[1:]:
        before = whole[-1]
        gap = word.box.left - before.box.right
        near = abs(gap) < _LETTER_GAP * min(word.size, before.size)
        if id(word) in first and near and abs(word.box.bottom - before.box.bottom) < 1:
            box = around([before.box, word.box])
            text = canonical_text(before.text + word.text)
            whole[-1] = word._replace(text=text, box=box, size=before.size)
        else:
            whole.append(word)
    return whole


def _parts(word: PageWord, after: PageWord) -> bool:
    """Whether two words of a run belong to different cells."""
    size = min(word.size, after.size)
    if after.box.left - word.box.right > _CELL_GAP * size:
        return True
    return after.box.right < word.box.left and not is_right_to_left(word.text + after.text)


def _middle(cell: Cell) -> float:
    return cell.box.bottom + cell.box.top


def _same_line(cell: Cell, other: Cell) -> bool:
    shared = min(cell.box.top, other.box.top) - max(cell.box.bottom, other.box.bottom)
    heights = (cell.box.top - cell.box.bottom, other.box.top - other.box.bottom)
    return shared >= _SAME_LINE * min(heights)
