"""Presentations: slide by slide, what stands on them and in their notes.

Shapes come in the order of the slide's own list, which is the order in which PowerPoint reads them
out; the title comes first. Hidden slides are kept, and called so; hidden shapes, footers, dates and
slide numbers are left out.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.composing import Composer, one_line, table_line
from quoth.retrieval.loaders.office_package import (
    Package,
    attribute,
    child,
    local_name,
    relation_id,
)
from quoth.retrieval.loaders.pptx_charts import chart_lines, diagram_lines

if TYPE_CHECKING:
    from lxml import etree

_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "hdr", "sldNum"})
_NOT_NOTES = _FURNITURE | {"sldImg"}
_SHAPES = frozenset({"sp", "graphicFrame", "cxnSp"})
_OFF = frozenset({"0", "false"})


def load_pptx(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a presentation; the title is the one in its properties, or of its first slide.

    Raises:
        DocumentError: It is broken, not to be trusted, or has too many slides.
    """
    package = Package(content, limits)
    main = package.main_part
    slides = _slides(package, main)
    if len(slides) > limits.max_pages:
        raise DocumentError(
            f"too large: {len(slides):,} slides, and {limits.max_pages:,} are allowed"
        )
    composer = Composer(limits)
    for number, part in enumerate(slides, 1):
        _Slide(package, part, number, composer).read()
    return composer.document("pptx", package.title)


def _slides(package: Package, main: str) -> list[str]:
    listed = child(package.xml(main), "sldIdLst")
    parts = {relation.id: relation.target for relation in package.relations(main)}
    found = [] if listed is None else [parts.get(relation_id(node)) for node in listed]
    return list(dict.fromkeys(part for part in found if part))


class _Slide:
    """Reads one slide."""

    def __init__(self, package: Package, part: str, number: int, composer: Composer) -> None:
        self._package = package
        self._part = part
        self._composer = composer
        self._root = package.xml(part)
        hidden = " (hidden)" if self._root.get("show") in _OFF else ""
        self._label = f"slide {number}{hidden}"
        self._has_begun = False
        self._relations = {each.id: each.target for each in package.relations(part)}

    def read(self) -> None:
        """Append the slide. Its first line is its heading, where it has no title."""
        shapes = list(_shapes(child(self._root, "cSld", "spTree")))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        for shape in titles:
            self._add(one_line(" ".join(_paragraphs(shape))))
        for shape in shapes:
            if _placeholder(shape) not in _TITLES | _FURNITURE:
                self._shape(shape)
        self._notes()

    def _shape(self, shape: "etree._Element") -> None:
        tables = [
            table
            for table in shape.iter("{*}tbl")
            if next(table.iterancestors("{*}tbl"), None) is None
        ]
        if tables:
            lines = [line for table in tables for line in _table_lines(table)]
            self._lines(lines, is_table=True)
        elif local_name(shape) == "graphicFrame":
            self._lines(list(self._drawn_lines(shape)), is_table=True)
        else:
            self._lines(_paragraphs(shape))

    def _drawn_lines(self, frame: "etree._Element") -> Iterator[str]:
        """What a chart or diagram says, from the part that holds it."""
        for node in frame.iter("{*}chart", "{*}relIds"):
            is_chart = local_name(node) == "chart"
            part = self._relations.get(relation_id(node, "id" if is_chart else "dm"))
            if part and part in self._package.archive:
                root = self._package.xml(part)
                yield from chart_lines(root) if is_chart else diagram_lines(root)

    def _notes(self) -> None:
        part = self._package.first(self._part, "notesSlide")
        if part is None or part not in self._package.archive:
            return
        shapes = _shapes(child(self._package.xml(part), "cSld", "spTree"))
        lines = [
            line
            for shape in shapes
            if _placeholder(shape) not in _NOT_NOTES
            for line in _paragraphs(shape)
        ]
        if lines:
            self._lines([f"Notes: {lines[0]}", *lines[1:]])

    def _lines(self, lines: list[str], *, is_table: bool = False) -> None:
        ranges = [self._add(line, gap=1 if at else 2) for at, line in enumerate(lines)]
        if is_table and ranges:
            self._composer.keep_whole(ranges[0][0], ranges[-1][1])

    def _add(self, text: str, gap: int = 2) -> tuple[int, int]:
        if not text:
            return self._composer.length, self._composer.length
        level = 0 if self._has_begun else 1
        start, end = self._composer.add(text, gap=gap, level=level)
        if not self._has_begun:
            self._composer.locate(self._label, start)
        self._has_begun = True
        return start, end


def _shapes(tree: "etree._Element | None") -> Iterator["etree._Element"]:
    """Shapes with text, those in groups too, in the order of the slide."""
    todo = [] if tree is None else list(reversed(tree))
    while todo:
        node = todo.pop()
        name = local_name(node)
        if name == "AlternateContent":
            todo.extend(reversed(node[0] if len(node) else node))
        elif name == "grpSp" and not _is_hidden(node):
            todo.extend(reversed(node))
        elif name in _SHAPES and not _is_hidden(node):
            yield node


def _is_hidden(shape: "etree._Element") -> bool:
    properties = child(shape[0], "cNvPr") if len(shape) else None
    return properties is not None and properties.get("hidden") in {"1", "true"}


def _placeholder(shape: "etree._Element") -> str | None:
    """What kind of placeholder a shape is; None where it is none."""
    found = next(shape.iter("{*}ph"), None)
    return None if found is None else attribute(found, "type") or "obj"


def _paragraphs(shape: "etree._Element") -> list[str]:
    """The lines of a shape's text, with the bullets and numbers that are its own."""
    lines = []
    number = 0
    for paragraph in shape.iter("{*}p"):
        text = _text(paragraph)
        properties = child(paragraph, "pPr")
        is_numbered = child(properties, "buAutoNum") is not None
        number = number + 1 if is_numbered and text else 0
        if text:
            bullet = "- " if child(properties, "buChar") is not None else ""
            lines.append(f"{number}. {text}" if is_numbered else f"{bullet}{text}")
    return lines


def _text(paragraph: "etree._Element") -> str:
    nodes = paragraph.iter("{*}t", "{*}br")
    return one_line(
        "".join((node.text or "") if local_name(node) == "t" else " " for node in nodes)
    )


def _table_lines(table: "etree._Element") -> Iterator[str]:
    for row in (node for node in table if local_name(node) == "tr"):
        cells = [
            one_line(" ".join(_text(paragraph) for paragraph in cell.iter("{*}p")))
            for cell in row
            if local_name(cell) == "tc" and cell.get("hMerge") not in {"1", "true"}
        ]
        if any(cells):
            yield table_line(cells)
