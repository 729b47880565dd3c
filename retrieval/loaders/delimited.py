"""CSV and TSV: records to lines that explain themselves. What is no table is plain text.

The delimiter is the one that gives the most even records. Rows are counted as a spreadsheet counts
them: a record is a row however many lines its quoted cells take, and an empty line is one too.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.composing import Composer, one_line
from quoth.retrieval.loaders.decode import decode_text
from quoth.retrieval.loaders.tables import Cell, Row, write_rows

_DELIMITERS = "\t;|,"  # of equally even ones the first: the comma also stands within numbers
_SAMPLE = 100  # records that decide on the delimiter
_EVEN = 0.8  # of them must have the same number of cells
_HINT = re.compile(r"sep=([,;\t|])\r?\n")  # as Excel writes it
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,' ]*(?:[eE][-+]?\d+)?\s?[%€$£)]?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ][\d:.]+Z?)?")


def load_delimited(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a table of delimited values.

    Raises:
        DocumentError: It is binary, or has too many cells.
    """
    text = decode_text(content)
    delimiter = _delimiter(text)
    if delimiter:
        composer = Composer(limits)
        try:
            write_rows(_rows(text, delimiter, limits), composer, _label, is_one_table=True)
        except csv.Error:  # quotes that do not close: read it as what it looks like
            pass
        else:
            return composer.document("csv", "")
    return LoadedDocument(text=canonical_text(text), format="text")


def _label(row: Row, cell: Cell) -> str:
    return f"row {row.number}" if cell is row.cells[0] else ""


def _rows(text: str, delimiter: str, limits: LoadLimits) -> Iterator[Row]:
    num_cells = 0
    for number, record in enumerate(_records(text, delimiter), 1):
        shown = [one_line(value) for value in record]
        cells = [Cell(at, value, _is_number(value)) for at, value in enumerate(shown) if value]
        num_cells += len(cells)
        if num_cells > limits.max_cells:
            raise DocumentError(
                f"too large: more than {limits.max_cells:,} cells, which are allowed"
            )
        if cells:
            yield Row(number, cells)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The records of `text`; the hint at its delimiter is none, and is not counted."""
    hint = _HINT.match(text)
    lines = _lines(text[hint.end() if hint else 0 :])
    yield from csv.reader(lines, delimiter=delimiter, strict=True)


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; only the newlines that files use end one."""
    return (match.group() for match in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text))


def _delimiter(text: str) -> str:
    """The delimiter of the most even table of two columns or more; empty where there is none."""
    hint = _HINT.match(text)
    if hint:
        return hint[1]
    shares = {delimiter: _evenness(text, delimiter) for delimiter in _DELIMITERS}
    best = max(shares, key=lambda delimiter: shares[delimiter])
    return best if shares[best] >= _EVEN else ""


def _evenness(text: str, delimiter: str) -> float:
    """The share of records with the most usual number of cells; 0 where that is one."""
    if delimiter not in text:
        return 0.0
    try:
        records = [record for record in islice(_records(text, delimiter), _SAMPLE) if record]
    except csv.Error:
        return 0.0
    counts = Counter(len(record) for record in records)
    usual, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return times / len(records) if usual > 1 else 0.0


def _is_number(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value) or _DATE.fullmatch(value))
