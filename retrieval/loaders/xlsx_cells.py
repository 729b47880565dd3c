"""Cells of a workbook: shared strings, number formats, and the values of a sheet's rows."""

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders.cell_formats import BUILT_IN, GENERAL, shown_number
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.office_package import Package, child, local_name
from quoth.retrieval.loaders.safe_xml import xml_elements
from quoth.retrieval.loaders.tables import Cell, Row

if TYPE_CHECKING:
    from lxml import etree

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")
_ISO_MIDNIGHT = "T00:00:00"
_TEXT_KINDS = frozenset({"s", "str", "inlineStr", "e"})


class CellReader:
    """Reads the cells of one workbook."""

    def __init__(self, package: Package, limits: LoadLimits) -> None:
        self._package = package
        self._limits = limits
        self._num_cells = 0
        main = package.main_part
        self._codes = _format_codes(package.related(main, "styles"))
        self._strings = self._shared_strings(package.first(main, "sharedStrings"))
        properties = child(package.xml(main), "workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in {"1", "true"}

    def rows(self, part: str) -> Iterator[Row]:
        """The rows of a sheet that are not empty.

        Raises:
            DocumentError: It is broken, or the workbook has more cells than are allowed.
        """
        before = 0
        for node in xml_elements(self._package.archive.pieces(part), ("{*}row",)):
            given = node.get("r", "")
            before = int(given) if given.isascii() and given.isdecimal() else before + 1
            cells = list(self._cells(node))
            self._num_cells += len(cells)
            if self._num_cells > self._limits.max_cells:
                raise DocumentError(
                    f"too large: more than {self._limits.max_cells:,} cells, which are allowed"
                )
            if cells:
                yield Row(before, cells)

    def _cells(self, row: "etree._Element") -> Iterator[Cell]:
        column = -1
        for node in row:
            reference = _REFERENCE.fullmatch(node.get("r", ""))
            column = column_number(reference[1]) if reference else column + 1
            text, is_number = self._value(node)
            if text:
                yield Cell(column, text, is_number, _as_int(node.get("s")) or 0)

    def _value(self, cell: "etree._Element") -> tuple[str, bool]:
        """What a cell shows, and whether that is a number or date."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(child(cell, "is")), False
        stored = child(cell, "v")
        raw = "" if stored is None else stored.text or ""
        if not raw:
            return "", False
        if kind == "s":
            place = _as_int(raw)
            known = place is not None and place < len(self._strings)
            return self._strings[place] if known and place is not None else "", False
        if kind == "b":
            return "TRUE" if raw.strip() in {"1", "true"} else "FALSE", False
        if kind == "d":
            return one_line(raw.removesuffix(_ISO_MIDNIGHT).replace("T", " ")), True
        return (one_line(raw), False) if kind in _TEXT_KINDS else self._number(raw, cell.get("s"))

    def _number(self, raw: str, style: str | None) -> tuple[str, bool]:
        try:
            value = float(raw)
        except ValueError:
            return one_line(raw), False
        if not math.isfinite(value):
            return one_line(raw), False
        place = _as_int(style) or 0
        code = self._codes[place] if place < len(self._codes) else GENERAL
        return one_line(shown_number(value, code, from_1904=self._from_1904)), True

    def _shared_strings(self, part: str | None) -> list[str]:
        if part is None or part not in self._package.archive:
            return []
        strings = []
        size = 0
        for node in xml_elements(self._package.archive.pieces(part), ("{*}si",)):
            strings.append(_text(node))
            size += len(strings[-1])
            if size > self._limits.max_chars:
                raise DocumentError(
                    f"too large: more than {self._limits.max_chars:,} characters, which are allowed"
                )
        return strings


def column_letters(column: int) -> str:
    """The letters of a column that is counted from 0: A, B, ..., Z, AA, ..."""
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def column_number(letters: str) -> int:
    """The inverse of `column_letters`."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _text(node: "etree._Element | None") -> str:
    """The text of a string, its runs joined; not how it is pronounced, nor hidden runs."""
    if node is None:
        return ""
    pieces = []
    for part in node:
        name = local_name(part)
        if name == "t":
            pieces.append(part.text or "")
        elif name == "r":
            text = child(part, "t")
            pieces.append("" if text is None else text.text or "")
    return one_line("".join(pieces))


def _format_codes(styles: "etree._Element | None") -> list[str]:
    """The format code of each cell style."""
    if styles is None:
        return []
    own = child(styles, "numFmts")
    codes = dict(BUILT_IN)
    for node in () if own is None else own:
        number = _as_int(node.get("numFmtId"))
        if number is not None:
            codes[number] = node.get("formatCode", GENERAL)
    used = child(styles, "cellXfs")
    return [
        codes.get(_as_int(node.get("numFmtId")) or 0, GENERAL)
        for node in (() if used is None else used)
    ]


def _as_int(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"\d{1,9}", value) else None
