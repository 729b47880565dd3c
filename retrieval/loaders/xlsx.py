"""Workbooks: sheet by sheet, row by row, values as the cells show them.

The sheets are read as streams, so that empty rows and columns cost nothing, however many a file
claims. Formulas count by the values that were stored with them. Hidden sheets are left out; hidden
rows and columns are kept, for filters and folded groups hide them, and a click shows them.
"""

from collections.abc import Iterator
from itertools import chain

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.composing import Composer, one_line
from quoth.retrieval.loaders.office_package import (
    Package,
    child,
    relation_id,
)
from quoth.retrieval.loaders.tables import Cell, Row, write_rows
from quoth.retrieval.loaders.xlsx_cells import CellReader, column_letters


def load_xlsx(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a workbook; the title is the one in its properties.

    Raises:
        DocumentError: It is broken, not to be trusted, or has too many cells.
    """
    package = Package(content, limits)
    sheets = _sheets(package)
    cells = CellReader(package, limits)
    composer = Composer(limits)
    for name, part in sheets:
        _write_sheet(name, cells.rows(part), composer)
    return composer.document("xlsx", package.title)


def _sheets(package: Package) -> list[tuple[str, str]]:
    """Names and parts of the sheets that are shown and hold cells."""
    main = package.main_part
    parts = {
        relation.id: relation.target
        for relation in package.relations(main)
        if relation.kind == "worksheet"
    }
    listed = child(package.xml(main), "sheets")
    if listed is None:
        raise DocumentError("broken: the workbook lists no sheets")
    shown = [node for node in listed if node.get("state", "visible") == "visible"]
    named = [(one_line(node.get("name", "")), parts.get(relation_id(node))) for node in shown]
    return [(name, part) for name, part in named if part]


def _write_sheet(name: str, rows: Iterator[Row], composer: Composer) -> None:
    first = next(rows, None)
    if first is None:
        return
    quoted = name if name.replace("_", "").isalnum() else "'" + name.replace("'", "''") + "'"

    def place(row: Row, cell: Cell) -> str:
        return f"{quoted}!{column_letters(cell.column)}{row.number}"

    def label(row: Row, cell: Cell) -> str:
        return "" if name and cell is first.cells[0] else place(row, cell)

    if name:  # it stands where the first cell does: no part of the sheet before
        start, _ = composer.add(name, level=1)
        composer.locate(place(first, first.cells[0]), start)
    write_rows(chain([first], rows), composer, label)
