"""What every loader promises, whatever the format."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from helpers.epubs import chapter, make_epub
from helpers.notebooks import make_notebook
from helpers.office_files import docx_bytes, pptx_bytes, xlsx_bytes
from helpers.pdfs import make_pdf, paragraph
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.chunking import chunk_document
from quoth.retrieval.documents import LoadedDocument
from quoth.retrieval.loaders import load
from quoth.retrieval.parsing import Parser


def write_docx(document) -> None:
    document.add_heading("Title", 1)
    document.add_paragraph("Some words.")
    document.add_table(1, 2).cell(0, 1).text = "cell"
    document.add_heading("More", 2)


def write_deck(presentation) -> None:
    for title, text in (("Title", "Some words."), ("More", "of it")):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text


TABLE = [["Title", "Some words", "n"], ["More", "x", 1], ["y", "z", 2]]
SAMPLES = {
    "a.docx": docx_bytes(write_docx),
    "a.pptx": pptx_bytes(write_deck),
    "a.xlsx": xlsx_bytes({"First": TABLE, "Second": TABLE}),
    "a.csv": "\n".join(",".join(map(str, row)) for row in TABLE).encode(),
    "a.txt": "Title\n\nSome words.\r\nMore cafe\u0301.\n".encode(),
    "a.md": b"# Title\n\nSome words.\n\n```\ncode\n```\n\n## Sub\n\nMore.\n",
    "a.rst": b"Title\n=====\n\nSome words::\n\n   code\n\nSub\n---\n\nMore.\n",
    "a.html": b"<h1>Title</h1><p>Some words.</p><pre>code</pre><h2>Sub</h2><p>More.</p>",
    "a.py": b"def title():\n    return 'Some words.'\n\n\nclass More:\n    pass\n",
    "a.go": b"package words\n\nfunc Title() {}\n\ntype More struct {\n\tx int\n}\n",
    "a.json": b'{"title": "Title", "some": {"words": [1, 2.50, null]}, "last": "More"}',
    "a.jsonl": b'{"id": 1, "text": "Some words."}\nno JSON\n{"id": 2, "text": "More."}\n',
    "a.eml": b"From: a@b.org\nSubject: Title\n\nSome words.\n\n> More.\n",
    "a.mbox": b"From a\nSubject: A\n\nwords\n\nFrom b\nSubject: B\n\nMore.\n",
    "a.ipynb": make_notebook(("markdown", "# Title\n\nSome words."), ("code", "x = 'More'")),
    "a.epub": make_epub({"1.xhtml": chapter("<h1>Some words</h1>More")}),
    "a.pdf": make_pdf([paragraph(["Title", "", "Some words."]), paragraph(["More."])]),
}


@pytest.fixture(params=sorted(SAMPLES))
def document(request) -> LoadedDocument:
    return load(request.param, SAMPLES[request.param])


def test_the_text_is_canonical(document: LoadedDocument) -> None:
    assert canonical_text(document.text) == document.text
    assert "words" in document.text
    assert "More" in document.text


def test_structure_lies_in_the_text_in_order(document: LoadedDocument) -> None:
    size = len(document.text)
    headings = [(heading.start, heading.end) for heading in document.headings]
    for ranges in (headings, list(document.kept_whole)):
        assert all(0 <= start < end <= size for start, end in ranges)
        assert ranges == sorted(ranges)
    for heading in document.headings:
        words = document.text[heading.start : heading.end]
        assert heading.title in " ".join(words.split())
    assert list(document.page_starts) == sorted(document.page_starts)
    starts = [location.start for location in document.locations]
    assert starts == sorted(set(starts))
    assert all(0 <= start < size for start in starts)
    ends = [end for _, end in document.kept_whole]
    assert all(end <= start for end, (start, _) in zip(ends, document.kept_whole[1:], strict=False))
    assert all(location.label.strip() for location in document.locations)
    if document.boxes:
        assert document.boxes.rows[:, 1].max() <= size


def test_chunks_are_ranges_of_the_text(document: LoadedDocument) -> None:
    chunks = chunk_document(document)
    joined = "".join(document.text[chunk.start : chunk.end] for chunk in chunks)
    assert "".join(joined.split()) == "".join(document.text.split())


def test_loading_twice_gives_the_same(document: LoadedDocument, request) -> None:
    name = request.node.callspec.params["document"]
    again = load(name, SAMPLES[name])
    assert (again.text, again.headings, again.page_starts, again.locations) == (
        document.text, document.headings, document.page_starts, document.locations,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("content", [b"", b"\n \n", b"\0\1\2\3" * 99])
def test_nothing_and_garbage_are_refused(name: str, content: bytes) -> None:
    with pytest.raises(DocumentError):
        load(name, content)


def test_it_is_the_same_out_of_the_process_that_reads_files(parser: Parser) -> None:
    """That process may open no files but those of Python's libraries."""
    for name, content in SAMPLES.items():
        here, there = load(name, content), parser.load(name, content)
        assert replace(there, boxes=None) == replace(here, boxes=None), name


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as made:
        yield made
