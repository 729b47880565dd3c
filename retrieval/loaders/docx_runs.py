"""The text of one Word paragraph: runs, hyperlinks, fields, insertions; not what is hidden."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from quoth.retrieval.loaders.docx_styles import Styles
from quoth.retrieval.loaders.office_package import attribute, child, local_name

if TYPE_CHECKING:
    from lxml import etree

_WRAPPERS = frozenset(
    {
        "sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink", "fldSimple",
        "bdo", "dir",
    }
)  # fmt: skip
_MARKS = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTE_MARKS = {"footnoteReference": "footnote", "endnoteReference": "endnote"}
_WITH_BOXES = frozenset({"drawing", "pict", "object"})


def shown_children(element: "etree._Element") -> Iterator["etree._Element"]:
    """The children of `element`; of wrappers their content, of alternatives the first."""
    todo = list(reversed(element))
    while todo:
        node = todo.pop()
        name = local_name(node)
        if name in _WRAPPERS:
            todo.extend(reversed(node))
        elif name == "AlternateContent":
            todo.extend(reversed(node[0] if len(node) else node))
        else:
            yield node


def is_deleted(properties: "etree._Element | None") -> bool:
    """Whether a tracked change deletes what has these properties."""
    return child(properties, "del") is not None or child(properties, "moveFrom") is not None


class ParagraphText:
    """Takes a paragraph apart: its text, the text boxes in it, the notes that it refers to."""

    def __init__(
        self,
        paragraph: "etree._Element",
        styles: Styles,
        number_of_note: Callable[[str], int],
    ) -> None:
        self.boxes: list[etree._Element] = []
        self.notes: list[str] = []
        self._number_of_note = number_of_note
        self._styles = styles
        self._pieces: list[str] = []
        self._is_hidden = styles.of_paragraph(paragraph).is_hidden
        self._code_depth = 0  # within the instructions of nested fields
        for node in shown_children(paragraph):
            if local_name(node) == "r":
                self._take_run(node)
            elif local_name(node) in {"oMath", "oMathPara"}:
                self._take_formula(node)

    @property
    def text(self) -> str:
        """As it was written; white space is not folded."""
        return "".join(self._pieces)

    def _take_run(self, run: "etree._Element") -> None:
        if self._styles.hides(run, by_default=self._is_hidden):
            return
        for node in shown_children(run):
            name = local_name(node)
            if name == "fldChar":
                self._take_field_mark(attribute(node, "fldCharType"))
            elif not self._code_depth:
                self._take_content(name, node)

    def _take_content(self, name: str, node: "etree._Element") -> None:
        if name == "t":
            self._pieces.append(node.text or "")
        elif name == "ruby":
            self._take_ruby(node)
        elif name in _WITH_BOXES:
            self._take_boxes(node)
        elif name in _NOTE_MARKS:
            self._take_note(f"{_NOTE_MARKS[name]} {attribute(node, 'id')}")
        else:
            self._pieces.append(_MARKS.get(name, ""))

    def _take_field_mark(self, kind: str | None) -> None:
        """A field holds instructions, then what they gave; only the latter is seen."""
        if kind == "begin":
            self._code_depth += 1
        elif kind == "separate" or (kind == "end" and self._code_depth):
            self._code_depth = max(0, self._code_depth - 1)

    def _take_formula(self, formula: "etree._Element") -> None:
        self._pieces += [node.text or "" for node in formula.iter("{*}t")]

    def _take_ruby(self, ruby: "etree._Element") -> None:
        base = child(ruby, "rubyBase")
        if base is not None:
            self._pieces += [node.text or "" for node in base.iter("{*}t")]

    def _take_note(self, note: str) -> None:
        self._pieces.append(f"[{self._number_of_note(note)}]")
        self.notes.append(note)

    def _take_boxes(self, drawing: "etree._Element") -> None:
        """The outermost text boxes; those within them come when they are read."""
        todo = [drawing]
        while todo:
            node = todo.pop()
            if local_name(node) == "txbxContent":
                self.boxes.append(node)
            else:
                todo.extend(reversed(list(shown_children(node))))
