"""Small office files, made with the libraries that people make them with."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import docx
import openpyxl
import pptx


def docx_bytes(write: Callable[[Any], None]) -> bytes:
    """A Word document; `write` fills it."""
    document = docx.Document()
    write(document)
    return _saved(document)


def docx_of(body: str, parts: Mapping[str, str] | None = None) -> bytes:
    """A Word document with this XML in its body, and these parts beside it, by kind."""
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    files = {"word/document.xml": f"<w:document {names}><w:body>{body}</w:body></w:document>"}
    for kind, content in (parts or {}).items():
        files[f"word/{kind}.xml"] = f"<w:{kind} {names}>{content}</w:{kind}>"
    return package("word/document.xml", files)


def pptx_bytes(write: Callable[[Any], None]) -> bytes:
    """A presentation; `write` fills it."""
    presentation = pptx.Presentation()
    write(presentation)
    return _saved(presentation)


def xlsx_bytes(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook of plain rows."""

    def write(book: Any) -> None:
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)

    return xlsx_written(write)


def xlsx_written(write: Callable[[Any], None]) -> bytes:
    """A workbook without sheets; `write` fills it."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    write(book)
    return _saved(book)


def package(main: str, files: Mapping[str, str | bytes]) -> bytes:
    """An office file of these parts; the parts beside `main` are related to it by their names."""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    folder = main.rpartition("/")[0]
    beside = [name for name in files if name != main and name.startswith(f"{folder}/")]
    listing = "".join(
        f'<Relationship Id="r{at}" Type="{base}/{_stem(name)}" '
        f'Target="{name.removeprefix(f"{folder}/")}"/>'
        for at, name in enumerate(beside)
    )
    root = f'<Relationship Id="r" Type="{base}/officeDocument" Target="{main}"/>'
    content = {
        "_rels/.rels": f"<Relationships>{root}</Relationships>",
        f"{folder}/_rels/{_stem(main)}.xml.rels": f"<Relationships>{listing}</Relationships>",
        **files,
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return sink.getvalue()


def replaced(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The archive `content` with the file `name` changed."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w") as new:
        for entry in old.infolist():
            part = old.read(entry)
            new.writestr(entry, change(part) if entry.filename == name else part)
    return sink.getvalue()


def _stem(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]


def _saved(document: Any) -> bytes:
    sink = io.BytesIO()
    document.save(sink)
    return sink.getvalue()
