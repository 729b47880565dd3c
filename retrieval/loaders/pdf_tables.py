"""Heads of tables: titles of columns that take several lines become one line, column by column.

"Gross Carrying | Accumulated" above "Amount | Amortization" reads "Gross Carrying Amount |
Accumulated Amortization". What spans several columns stays on a line of its own.
"""

import re
from collections.abc import Sequence

from quoth.retrieval.loaders.pdf_lines import Cell, PageLine

_MOST_LINES = 6
_MOST_LEVELS = 3  # of titles above each other, the upper ones wider
_MOST_GROUPS = 3
_WIDER = 2.0  # than a column's title
_OPEN_END = re.compile(
    r"(?:[,–—-]|\b(?:and|or|of|to|in|on|for|from|with|by|the|an?|than))$", re.IGNORECASE
)
_TIGHT = 0.8  # of the letters' height, between lines of one head


def heads_joined(lines: Sequence[PageLine]) -> list[PageLine]:
    """The lines of a block, with the head of each table on one line."""
    joined: list[PageLine] = []
    for line in lines:
        begins = line.is_data_row and joined and not joined[-1].is_data_row
        if begins and not is_label_of(joined[-1], line):
            _join_head(joined, line)
        joined.append(line)
    return joined


def is_label_of(line: PageLine, row: PageLine) -> bool:
    """Whether the label of a row of numbers began on the line above."""
    label, rest = line.cells[-1], row.cells[0]
    gap = line.box.bottom - row.box.top
    if line.is_data_row or rest.is_numeric or gap > _TIGHT * line.height:
        return False
    is_below = label.box.left - label.size <= rest.box.left < label.box.right
    begins_low = rest.words[0].text[0].islower() or rest.words[0].text[0] == "("
    goes_on = line.text[-1] not in ".:!?" if begins_low else _OPEN_END.search(line.text) is not None
    return is_below and goes_on


def _join_head(lines: list[PageLine], row: PageLine) -> None:
    """Join the last of `lines`, as far as they are the head of the table that begins with `row`."""
    end = _end_of_head(lines, row)
    for _ in range(_MOST_LEVELS):
        columns, start = _columns_above(lines, end)
        if end - start > 1:
            head = [
                Cell(tuple(word for cell in column for word in cell.words)) for column in columns
            ]
            lines[start:end] = [PageLine(tuple(head))]
        if start in {0, end} or not _is_close(lines[start - 1], lines[start]):
            return
        end = start


def _columns_above(lines: Sequence[PageLine], end: int) -> tuple[list[list[Cell]], int]:
    """The titles of columns that end with the line before `end`, and where they begin."""
    columns: list[list[Cell]] = []
    start = end
    for place in range(end - 1, max(-1, end - 1 - _MOST_LINES), -1):
        line = lines[place]
        if line.is_data_row or (columns and not _is_close(line, lines[place + 1])):
            break
        grown = _grown(columns, line) if columns else [[cell] for cell in line.cells]
        if len(grown) < 2:
            break
        columns, start = grown, place
    return columns, start


def _end_of_head(lines: Sequence[PageLine], row: PageLine) -> int:
    """Behind the last line of the head: what stands above the labels only is a group of rows."""
    end = len(lines)
    below = row
    while end and len(lines) - end < _MOST_GROUPS and _is_group(lines[end - 1], below, row):
        end -= 1
        below = lines[end]
    return end


def _is_group(line: PageLine, below: PageLine, row: PageLine) -> bool:
    is_close = line.box.bottom - below.box.top < 2 * line.height
    return len(line.cells) == 1 and line.box.right < row.cells[-1].box.left and is_close


def _is_close(line: PageLine, below: PageLine) -> bool:
    return line.box.bottom - below.box.top <= _TIGHT * line.height


def _grown(columns: list[list[Cell]], line: PageLine) -> list[list[Cell]]:
    """The columns with the cells of the line above them; none if it does not belong to them."""
    grown = [list(column) for column in columns]
    is_above_others = False
    for cell in line.cells:
        under = [column for column in grown if any(_overlap(cell, each) for each in column)]
        if len(under) > 1 or (len(line.cells) == 1 and _spans(cell, under)):
            return []
        if under:
            is_above_others |= under[0] is not grown[0]
            under[0].insert(0, cell)
        else:
            is_above_others |= cell.box.left > columns[0][0].box.left
            grown.append([cell])
    if not is_above_others:  # it stands above the labels only: a title or a paragraph
        return []
    return sorted(grown, key=lambda column: min(cell.box.left for cell in column))


def _spans(cell: Cell, under: Sequence[Sequence[Cell]]) -> bool:
    """Whether a line of one cell is the title of more than the column it stands above, if any."""
    if not under or under[0][0].is_numeric:
        return True
    widest = max(each.box.right - each.box.left for each in under[0])
    return cell.box.right - cell.box.left > _WIDER * widest


def _overlap(cell: Cell, other: Cell) -> bool:
    return cell.box.left < other.box.right and other.box.left < cell.box.right
