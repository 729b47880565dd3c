"""Jupyter notebooks (format 3 and 4): text, code and what the code printed, cell by cell.

Only JSON is read: nothing is run, and outputs that are no text (images, widgets) are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.assembly import Assembly
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.decode import decode_text
from quoth.retrieval.loaders.html import html_document
from quoth.retrieval.loaders.markdown import markdown_document

_MAX_OUTPUT = 4_000  # characters of an output; training logs and dumps say no more after that
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of terminals
_DRAWN_OVER = re.compile(r"^[^\n]*\r(?!\n|\Z)", re.MULTILINE)  # progress bars
_TEXT_KINDS = ("text/plain", "text/markdown", "text/html", "text/latex")


def load_notebook(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a notebook; the title is its own, or the first heading of the highest level.

    Raises:
        DocumentError: It is no notebook.
    """
    try:
        notebook = json.loads(decode_text(content), parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise DocumentError("broken: a notebook is JSON, and this file is not") from error
    if not isinstance(notebook, dict) or not list(_cells(notebook)):
        raise DocumentError("broken or empty: it is no notebook with cells")
    assembly = Assembly(limits)
    titles: list[tuple[int, str]] = []
    for number, cell in enumerate(_cells(notebook), 1):
        before = assembly.length
        place = before + 2 if before else 0
        titles += _append_cell(assembly, cell)
        if assembly.length > before:
            assembly.locate(place, f"cell {number}")
    title = one_line(_text(_mapping(notebook.get("metadata")).get("title")))
    first = min(titles, key=lambda each: each[0])[1] if titles else ""
    return assembly.document(format="notebook", title=title or first)


def _cells(notebook: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Cells in order; of format 3, those of its worksheets."""
    sheets = [notebook, *map(_mapping, _list(notebook.get("worksheets")))]
    for sheet in sheets:
        yield from (_mapping(cell) for cell in _list(sheet.get("cells")))


def _append_cell(assembly: Assembly, cell: Mapping[str, object]) -> list[tuple[int, str]]:
    """Append a cell; level and title of each heading in it."""
    source = _text(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "markdown":
            document = markdown_document(canonical_text(source).strip("\n").rstrip())
        case "heading":  # of format 3
            level = _text(cell.get("level"))
            marks = "#" * int(level) if level in tuple("123456") else "#"
            document = markdown_document(f"{marks} {one_line(source)}")
        case "code":
            assembly.keep_whole(*assembly.append(source))
            for output in _list(cell.get("outputs")):
                shown = _output(_mapping(output))
                assembly.append(f"Output:\n{shown}" if shown else "")
            return []
        case _:
            assembly.append(source)
            return []
    assembly.append_document(document)
    return [(heading.level, heading.title) for heading in document.headings]


def _output(output: Mapping[str, object]) -> str:
    """What an output says in words, cut where it goes on and on."""
    if output.get("output_type") == "error" or output.get("output_type") == "pyerr":
        said = f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    else:
        said = _text(output.get("text")) or _shown(output)
    said = _DRAWN_OVER.sub("", _ESCAPES.sub("", said)).strip("\n").rstrip()
    if len(said) <= _MAX_OUTPUT:
        return said
    return f"{said[:_MAX_OUTPUT]}\n… ({len(said) - _MAX_OUTPUT:,} more characters of output)"


def _shown(output: Mapping[str, object]) -> str:
    """A result in the plainest form that it comes in; format 3 holds the forms directly."""
    forms = _mapping(output.get("data"))
    found = ((kind, _text(forms.get(kind))) for kind in _TEXT_KINDS)
    kind, text = next(((kind, text) for kind, text in found if text.strip()), ("", ""))
    return html_document(text, is_page=False).text if kind == "text/html" else text


def _text(value: object) -> str:
    """A multi-line string, which notebooks hold as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
