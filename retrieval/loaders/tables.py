"""Rows of spreadsheets to lines of text that explain themselves.

Where a table has a header row, each value comes with its column's name ("Region: North | Revenue
2023: 5.1"): a passage holds some rows of a table and seldom its header, and a question names both.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from quoth.retrieval.loaders.composing import Composer

_AHEAD = 3  # rows that tell whether the one before them is a header
_MAX_NAME = 80  # characters of a column's name
_YEAR = re.compile(r"(?:19|20|21)\d\d")
_MANY = 3  # columns; so many names are a header, whatever follows


class Cell(NamedTuple):
    """A cell that is not empty."""

    column: int  # from 0
    text: str
    is_number: bool
    style: int = 0


class Row(NamedTuple):
    """A row that is not empty."""

    number: int  # from 1
    cells: list[Cell]


Label = Callable[[Row, Cell], str]


def write_rows(
    rows: Iterable[Row], composer: Composer, label: Label, *, is_one_table: bool = False
) -> None:
    """Append a line for each row; `label` tells where a cell stands, "" as the one before it.

    A new table begins after empty rows, unless `is_one_table`.
    """
    header = _Header()
    before = 0
    for row, following in _with_following(rows):
        begins = not before or (row.number != before + 1 and not is_one_table)
        if begins:
            header = _Header()
        names = header.names
        if not names:
            header.look_at(row, following)
        _write(row, names, composer, label, 2 if begins else 1)
        before = row.number


@dataclass(slots=True)
class _Header:
    """The names of a table's columns, once its header has come: the first row that is so wide."""

    names: dict[int, str] = field(default_factory=dict)
    widest: int = 1
    groups: Row | None = None

    def look_at(self, row: Row, following: Sequence[Row]) -> None:
        if len(row.cells) <= self.widest:
            return
        self.widest = len(row.cells)
        if _is_over_header(row, following):
            self.groups = row
        else:
            self.names = column_names(row, following, self.groups)


def column_names(row: Row, following: Sequence[Row], groups: Row | None = None) -> dict[int, str]:
    """The names of the columns where `row` is a header of what follows; empty where it is not.

    Of `groups`, the row above a header, each cell names all columns up to the next one.
    """
    names = {cell.column: _name(cell, groups) for cell in row.cells}
    fits = len(set(names.values())) == len(names) and all(
        0 < len(name) <= _MAX_NAME for name in names.values()
    )
    if not fits or not following or not all(_is_name(cell) for cell in row.cells):
        return {}
    below = [cell for later in following for cell in later.cells]
    covered = sum(cell.column in names for cell in below)
    if 2 * covered < len(below):
        return {}
    return names if _is_told_apart(row, following) else {}


def _is_over_header(row: Row, following: Sequence[Row]) -> bool:
    """Whether `row`, which has gaps, names groups of columns: a header over numbers comes next."""
    has_gaps = any(after.column - cell.column > 1 for cell, after in pairwise(row.cells))
    if len(following) < 2 or not has_gaps or len(following[0].cells) <= len(row.cells):
        return False
    values = following[1].cells
    is_over_numbers = 2 * sum(cell.is_number for cell in values) >= len(values)
    return (
        is_over_numbers
        and all(_is_name(cell) for cell in row.cells)
        and bool(column_names(following[0], following[1:], row))
    )


def _name(cell: Cell, groups: Row | None) -> str:
    over = [group for group in groups.cells if group.column <= cell.column] if groups else []
    return " ".join(part.text.rstrip(": ") for part in (*over[-1:], cell)).strip()


def _is_name(cell: Cell) -> bool:
    return not cell.is_number or bool(_YEAR.fullmatch(cell.text))


def _is_told_apart(row: Row, following: Sequence[Row]) -> bool:
    """Names in another style, years over what are no years, many names, or names over numbers."""
    if _differs_in_style(row, following):
        return True
    if any(cell.is_number for cell in row.cells):
        return _stands_over_no_years(row, following)
    return len(row.cells) >= _MANY or _stands_over_numbers(row, following)


def _stands_over_no_years(row: Row, following: Sequence[Row]) -> bool:
    """A single year may as well be an amount."""
    years = {cell.column for cell in row.cells if cell.is_number}
    below = [cell for later in following for cell in later.cells if cell.column in years]
    return len(years) > 1 and bool(below) and not any(_YEAR.fullmatch(c.text) for c in below)


def _stands_over_numbers(row: Row, following: Sequence[Row]) -> bool:
    """One column of names over numbers, in at least two rows: else it is a list of pairs."""
    if len(following) < 2:
        return False
    numbers = [{cell.column for cell in later.cells if cell.is_number} for later in following]
    shared = set.intersection(*numbers)
    return any(cell.column in shared for cell in row.cells)


def _differs_in_style(row: Row, following: Sequence[Row]) -> bool:
    below = {cell.column: cell.style for cell in following[0].cells}
    return all(below.get(cell.column, cell.style) != cell.style for cell in row.cells)


def _with_following(rows: Iterable[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Each row, and those that come after it without an empty one between, a few at most."""
    coming = iter(rows)
    window: deque[Row] = deque()
    while True:
        while len(window) <= _AHEAD and (row := next(coming, None)) is not None:
            window.append(row)
        if not window:
            return
        first = window.popleft()
        following = [row for at, row in enumerate(window, 1) if row.number == first.number + at]
        yield first, following


def _write(row: Row, names: dict[int, str], composer: Composer, label: Label, gap: int) -> None:
    start, _ = composer.add("", gap=gap)
    for place, cell in enumerate(row.cells):
        if place:
            composer.append(" | ")
        where = label(row, cell)
        if where:
            composer.locate(where)
        name = names.get(cell.column)
        composer.append(f"{name}: {cell.text}" if name else cell.text)
    composer.keep_whole(start, composer.length)
