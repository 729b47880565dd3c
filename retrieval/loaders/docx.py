"""Word documents: paragraphs, lists, tables and notes, as a reader of the last version sees them.

The XML is read here rather than through python-docx, which passes over numbering, notes, text
boxes, content controls and tracked insertions. Hidden and deleted text is left out, so it gets into
no answer; headers, footers and comments are no part of the text. DOCX knows no pages.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.composing import Composer, one_line, table_line
from quoth.retrieval.loaders.docx_numbering import Numbering
from quoth.retrieval.loaders.docx_runs import ParagraphText, is_deleted, shown_children
from quoth.retrieval.loaders.docx_styles import Styles
from quoth.retrieval.loaders.office_package import Package, attribute, child, local_name

if TYPE_CHECKING:
    from lxml import etree

_WHOLE_TABLE = 600  # characters; of larger tables, each row is kept whole
_NOTES = (("footnotes", "footnote"), ("endnotes", "endnote"))


def load_docx(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a Word document; the title is the one in its properties, or its first heading.

    Raises:
        DocumentError: It is broken, or not to be trusted.
    """
    package = Package(content, limits)
    main = package.main_part
    body = child(package.xml(main), "body")
    if body is None:
        raise DocumentError("broken: the document has no body")
    reader = _Reader(package, main, limits)
    reader.read(body)
    return reader.composer.document("docx", package.title)


class _Reader:
    """Reads one document."""

    def __init__(self, package: Package, main: str, limits: LoadLimits) -> None:
        self.composer = Composer(limits)
        self._styles = Styles(package.related(main, "styles"))
        self._numbering = Numbering(package.related(main, "numbering"))
        self._notes = {
            f"{kind} {attribute(note, 'id')}": note
            for part, kind in _NOTES
            for note in _children(package.related(main, part))
        }
        self._note_numbers: dict[str, int] = {}
        self._is_in_list = False

    def read(self, body: "etree._Element") -> None:
        """Append every block below `body`."""
        for block in shown_children(body):
            if local_name(block) == "p":
                self._paragraph(block)
            elif local_name(block) == "tbl":
                self._table(block)

    def _paragraph(self, paragraph: "etree._Element") -> None:
        found = self._text_of(paragraph)
        style = self._styles.of_paragraph(paragraph)
        item = self._numbering.label(style)
        lines = (" ".join(line.split()) for line in canonical_text(found.text).split("\n"))
        text = "\n".join(line for line in lines if line)
        if text:
            in_list = bool(item) and not style.level
            gap = 1 if in_list and self._is_in_list else 2
            self.composer.add(f"{item} {text}" if item else text, gap=gap, level=style.level or 0)
            self._is_in_list = in_list
        for box in found.boxes:
            self.read(box)
        self._add_notes(found.notes)

    def _table(self, table: "etree._Element") -> None:
        self._is_in_list = False
        notes: list[str] = []
        ranges: list[tuple[int, int]] = []
        for row in _rows(table):
            cells = [self._cell(cell, notes) for cell in _cells(row)]
            if any(cells):
                ranges.append(self.composer.add(table_line(cells), gap=1 if ranges else 2))
        if ranges and ranges[-1][1] - ranges[0][0] <= _WHOLE_TABLE:
            ranges = [(ranges[0][0], ranges[-1][1])]
        for start, end in ranges:
            self.composer.keep_whole(start, end)
        self._add_notes(notes)

    def _cell(self, cell: "etree._Element", notes: list[str]) -> str:
        """A cell as one line, tables within it too."""
        parts = []
        for block in shown_children(cell):
            if local_name(block) == "tbl":
                parts += [self._cell(inner, notes) for row in _rows(block) for inner in _cells(row)]
            elif local_name(block) == "p":
                found = self._text_of(block)
                item = self._numbering.label(self._styles.of_paragraph(block))
                parts.append(f"{item} {found.text}" if item and found.text.strip() else found.text)
                parts += [self._cell(box, notes) for box in found.boxes]
                notes += found.notes
        return one_line(" ".join(parts))

    def _text_of(self, paragraph: "etree._Element") -> ParagraphText:
        return ParagraphText(paragraph, self._styles, self._number_of_note)

    def _number_of_note(self, note: str) -> int:
        return self._note_numbers.setdefault(note, len(self._note_numbers) + 1)

    def _add_notes(self, referred: list[str]) -> None:
        """Notes follow the paragraph or table that first refers to them."""
        for key in referred:
            note = self._notes.pop(key, None)
            if note is not None:
                more: list[str] = []
                text = self._cell(note, more)
                if text:
                    self.composer.add(f"[{self._note_numbers[key]}] {text}")
                    self._is_in_list = False


def _children(root: "etree._Element | None") -> Iterator["etree._Element"]:
    return iter(()) if root is None else iter(root)


def _rows(table: "etree._Element") -> Iterator["etree._Element"]:
    for row in shown_children(table):
        if local_name(row) == "tr" and not is_deleted(child(row, "trPr")):
            yield row


def _cells(row: "etree._Element") -> Iterator["etree._Element"]:
    for cell in shown_children(row):
        if local_name(cell) == "tc" and child(cell, "tcPr", "cellDel") is None:
            yield cell
