"""Office files of unknown origin: the content decides, nothing is fetched, bombs are refused."""

import io
import socket
import zipfile
from pathlib import Path

import pytest

from helpers.office_files import docx_bytes, docx_of, package, pptx_bytes, replaced, xlsx_bytes
from quoth.errors import DocumentError
from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.documents import MEBIBYTE
from quoth.retrieval.loaders import load
from quoth.types import location_between

FILES = {
    "docx": docx_bytes(lambda document: document.add_heading("Some words", 1)),
    "pptx": pptx_bytes(
        lambda deck: setattr(
            deck.slides.add_slide(deck.slide_layouts[5]).shapes.title, "text", "Some words"
        )
    ),
    "xlsx": xlsx_bytes({"S": [["Some words"]]}),
}
MAIN = {
    "docx": "word/document.xml",
    "pptx": "ppt/slides/slide1.xml",
    "xlsx": "xl/worksheets/sheet1.xml",
}
LAUGHS = b'<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;">]>'
every_format = pytest.mark.parametrize("kind", FILES)


@every_format
@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.doc", "a.txt", "a.zip", "a"])
def test_the_content_decides_whatever_the_name(kind: str, name: str) -> None:
    assert load(name, FILES[kind]).format == kind


@every_format
def test_macros_and_strangers_among_the_parts_are_never_read(kind: str) -> None:
    sink = io.BytesIO(FILES[kind])
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0 macro")
        archive.writestr("inner.zip", b"PK\x03\x04 not opened")
        archive.writestr("evil.xml", LAUGHS + b"<a>&m;</a>")
    assert "Some words" in load(f"a.{kind}m", sink.getvalue()).text


@every_format
def test_references_to_the_outside_are_never_followed(kind: str) -> None:
    """Every reference of the main part leads to a listening socket that nobody calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        link = f'<Relationship Id="evil" TargetMode="External" Target="{address}" Type="x/{{}}"/>'
        kinds = ("styles", "numbering", "footnotes", "attachedTemplate", "notesSlide", "image")
        more = "".join(link.format(each) for each in kinds).encode() + b"</Relationships>"
        folder, _, name = MAIN[kind].rpartition("/")
        content = replaced(
            FILES[kind],
            f"{folder}/_rels/{name}.rels",
            lambda part: part.replace(b"</Relationships>", more),
        )
        assert "Some words" in load("a", content).text
        with pytest.raises(TimeoutError):
            server.accept()


@every_format
def test_declared_entities_are_refused(kind: str) -> None:
    def hostile(part: bytes) -> bytes:
        declaration, mark, rest = part.rpartition(b"?>")
        return declaration + mark + LAUGHS + rest

    for part in (MAIN[kind], "_rels/.rels"):
        with pytest.raises(DocumentError, match="not safe: XML within it"):
            load(f"a.{kind}", replaced(FILES[kind], part, hostile))


@every_format
def test_bombs_are_refused(kind: str) -> None:
    sink = io.BytesIO(FILES[kind])
    with zipfile.ZipFile(sink, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("media/image.png", b"\0" * (30 * MEBIBYTE))
    with pytest.raises(DocumentError, match="looks like a zip bomb"):
        load(f"a.{kind}", sink.getvalue())


@every_format
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_files_are_refused(kind: str, share: float) -> None:
    content = FILES[kind][: int(share * len(FILES[kind]))]
    with pytest.raises(DocumentError, match="broken: its zip directory"):
        load(f"a.{kind}", content)


@every_format
def test_any_part_may_be_missing_or_broken(kind: str) -> None:
    """Never another exception than the one that gives a reason."""
    with zipfile.ZipFile(io.BytesIO(FILES[kind])) as archive:
        names = [name for name in archive.namelist() if name.endswith((".xml", ".rels"))]
    for name in names:
        for change in (
            lambda _: b"",
            lambda part: part[: len(part) // 2],
            lambda _: b"<a><b/></a>",
        ):
            try:
                load(f"a.{kind}", replaced(FILES[kind], name, change))
            except DocumentError as error:
                assert str(error)  # noqa: PT017 - most are read, for the part is not needed


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.docx", b"plain words in a renamed file", "zip directory cannot be read"),
        ("a.zip", package("other/main.txt", {"other/main.txt": "x"}), "a zip archive; unpack it"),
        ("a.xlsb", package("xl/workbook.bin", {"xl/workbook.bin": "x"}), "save it as .xlsx"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", r"save it as \.docx, \.xlsx or \.pptx"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"),
            "encrypted: save it without a password",
        ),
        ("a.doc", b"{\\rtf1 words}", "Rich Text"),
        ("a.docx", docx_of("")[:-4] + b"zz", "zip directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_to_do(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        load(name, content)


def test_pages_saved_under_office_names_are_read_as_what_they_are() -> None:
    document = load("report.xls", b"<html><table><tr><td>1<td>2</table></html>")
    assert (document.format, document.text) == ("html", "1 | 2")


def test_an_index_finds_cells_slides_and_paragraphs(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    rows = [["Region", "Revenue 2022", "Revenue 2023"]]
    rows += [[f"Region{n}", n, n * n] for n in range(200)]
    (folder / "budget.xlsx").write_bytes(xlsx_bytes({"Budget": rows}))
    lines = ["name,phone,city", *(f"person{n},555-{n},town{n}" for n in range(200))]
    (folder / "people.csv").write_text("\n".join(lines), encoding="utf-8")

    def deck(presentation) -> None:
        for words in ("harbour walls", "orchard harvest", "violin strings"):
            made = presentation.slides.add_slide(presentation.slide_layouts[5])
            made.shapes.title.text = f"All about {words}"

    (folder / "deck.pptx").write_bytes(pptx_bytes(deck))
    (folder / "bad.docx").write_bytes(FILES["docx"][:99])
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        report = index.sync([folder])
        assert (report.added, [skipped.path.name for skipped in report.skipped]) == (
            3,
            ["bad.docx"],
        )
        for query, wanted, where in (
            ("Region: Region150 | Revenue 2023: 22500", "Revenue 2023: 22500", "Budget!C152"),
            ("All about orchard harvest", "orchard", "slide 2"),
            ("name: person77 | phone: 555-77", "555-77", "row 79"),
        ):
            passage = next(
                hit.passage for hit in index.search(query, 50) if wanted in hit.passage.text
            )
            at = passage.start + passage.text.index(wanted)
            assert location_between(passage.locations, at, at + len(wanted)) == where
            whole = index.text(passage.document_id)
            assert whole[passage.start : passage.end] == passage.text
