"""Reading order: columns of prose are read one after the other, tables row by row.

A gutter parts columns if nothing crosses it over several lines and prose stands on both sides of
it. Beside the gutters of a table stand labels and numbers, which are no prose.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from quoth.retrieval.loaders.pdf_lines import Cell, PageLine, cells_of, lines_of
from quoth.retrieval.loaders.pdf_words import PageWord, around

_FEWEST_LINES = 5  # in a column
_GUTTER = 4.0  # points
_STEP = 4.0  # points between which left edges count as one
_MOST_GUTTERS = 8  # looked at
_DEEPEST = 3  # 2 gutters beside each other, and 1 below
_WORDS_A_LINE = 3.5
_FILLED = 0.6  # of the column's width, by the typical line of it
_COVERED = 0.5  # of the column's height, by its lines
_NARROWEST = 0.2  # of the text's width
_MOST_NUMERIC = 0.25  # of the lines
_MOSTLY = 0.5


def reading_order(runs: Sequence[Sequence[PageWord]]) -> list[list[PageLine]]:
    """The lines of a page in blocks: a column, or what stands across."""
    cells = cells_of(runs)
    turned = sum(not cell.is_upright for cell in cells)
    if turned > _MOSTLY * len(cells):  # a page on its side: as it is drawn
        return [[PageLine((cell,)) for cell in cells]]
    lines = lines_of(cells)
    parts = [cell for line in lines for cell in line.cells]
    blocks = _blocks(parts, _DEEPEST)
    return [lines] if len(blocks) == 1 else [lines_of(block) for block in blocks]


def _blocks(cells: list[Cell], depth: int) -> list[list[Cell]]:
    """Cells by block, in reading order."""
    if depth and len(cells) >= 2 * _FEWEST_LINES:
        for gutter in _gutters(cells):
            split = _split(cells, gutter)
            if split:
                return [part for block in split for part in _blocks(block, depth - 1)]
    return [cells]


def _gutters(cells: Sequence[Cell]) -> list[float]:
    """The right sides of what may be a gutter: where many lines begin, but for the leftmost."""
    edges = Counter(round(cell.box.left / _STEP) for cell in cells)
    leftmost = min(edges)
    often = [
        (edges[edge] + edges[edge + 1], edge)
        for edge in edges
        if edge > leftmost + 1 and edges[edge] + edges[edge + 1] >= _FEWEST_LINES
    ]
    return [(edge - 0.5) * _STEP for _, edge in sorted(often, reverse=True)[:_MOST_GUTTERS]]


def _split(cells: Sequence[Cell], gutter: float) -> list[list[Cell]]:
    """The blocks that a gutter makes; none if it is no gutter of prose."""
    downward = sorted(cells, key=lambda cell: -cell.box.top)
    blocks: list[list[Cell]] = [[]]
    stretch: list[Cell] = []
    found = False
    for cell in [*downward, None]:
        if cell is not None and not _crosses(cell, gutter):
            stretch.append(cell)
            continue
        left = [each for each in stretch if each.box.right <= gutter]
        right = [each for each in stretch if each.box.right > gutter]
        if _is_prose(left) and _is_prose(right) and _are_beside(left, right):
            blocks += [left, right, []]
            found = True
        else:
            blocks[-1].extend(stretch)
        stretch = []
        if cell is not None:
            blocks[-1].append(cell)
    return [block for block in blocks if block] if found else []


def _crosses(cell: Cell, gutter: float) -> bool:
    return cell.box.left < gutter - _GUTTER / 2 and cell.box.right > gutter - _GUTTER / 2


def _is_prose(column: list[Cell]) -> bool:
    if len(column) < _FEWEST_LINES:
        return False
    box = around([cell.box for cell in column])
    height = sum(cell.box.top - cell.box.bottom for cell in column)
    width = median(cell.box.right - cell.box.left for cell in column)
    numeric = sum(cell.is_numeric for cell in column)
    words = sum(len(cell.words) for cell in column)
    return (
        words >= _WORDS_A_LINE * len(column)
        and numeric <= _MOST_NUMERIC * len(column)
        and width >= _FILLED * (box.right - box.left)
        and height >= _COVERED * (box.top - box.bottom)
    )


def _are_beside(left: list[Cell], right: list[Cell]) -> bool:
    """Whether both are wide enough and stand beside each other over most of their height."""
    a, b = around([cell.box for cell in left]), around([cell.box for cell in right])
    width = b.right - a.left
    shared = min(a.top, b.top) - max(a.bottom, b.bottom)
    return min(
        a.right - a.left, b.right - b.left
    ) >= _NARROWEST * width and shared >= _MOSTLY * min(a.top - a.bottom, b.top - b.bottom)
