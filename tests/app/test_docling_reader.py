"""What Docling found becomes a document like any other. Its models are not needed for that."""

import pytest

from quoth.app.cli import run
from quoth.app.docling_reader import document_from
from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.pages import page_at


@pytest.fixture
def converted():
    """A document as Docling would give it: three pages, the second without text."""
    doc = pytest.importorskip("docling_core.types.doc", reason="docling-core is not installed")
    made = doc.DoclingDocument(name="report")

    def on(page):
        box = doc.BoundingBox(l=0, t=0, r=1, b=1)
        return doc.ProvenanceItem(page_no=page, bbox=box, charspan=(0, 1))

    made.add_title("Annual report", prov=on(1))
    made.add_heading("Results", level=1, prov=on(1))
    made.add_text(doc.DocItemLabel.TEXT, "Profit ro\u0308se.", prov=on(1))
    points = made.add_list_group()
    made.add_list_item("a first point", marker="-", prov=on(3), parent=points)
    words = [["", "2023"], ["Sales", "1,200"]]
    cells = [
        doc.TableCell(
            text=text,
            start_row_offset_idx=row,
            end_row_offset_idx=row + 1,
            start_col_offset_idx=column,
            end_col_offset_idx=column + 1,
        )
        for row, line in enumerate(words)
        for column, text in enumerate(line)
    ]
    made.add_table(doc.TableData(table_cells=cells, num_rows=2, num_cols=2), prov=on(3))
    return made


def test_text_headings_tables_and_pages_are_taken_over(converted):
    document = document_from(converted, LoadLimits())
    assert document.text == (
        "Annual report\n\nResults\n\nProfit r\u00f6se.\n\n- a first point\n\n| 2023\nSales | 1,200"
    )
    levels = [(heading.level, heading.title) for heading in document.headings]
    assert levels == [(1, "Annual report"), (2, "Results")]
    assert [
        page_at(document.page_starts, document.text.index(at)) for at in ("Profit", "Sales")
    ] == [
        1,
        3,
    ]
    [(start, end)] = document.kept_whole
    assert document.text[start:end].endswith("Sales | 1,200")
    assert (document.format, document.title) == ("pdf", "Annual report")


def test_a_text_that_is_too_long_is_refused(converted):
    with pytest.raises(DocumentError, match="more than 20 characters"):
        document_from(converted, LoadLimits(max_chars=20))


def test_without_docling_its_extra_is_named(tmp_path, capsys):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "docling.document_converter", None)
        (tmp_path / "a.txt").write_text("words")
        index = ["--index", str(tmp_path / "index"), "--embedder", "hashing"]
        assert run(["index", "sync", str(tmp_path / "a.txt"), "--docling", *index]) == 7
    assert "quoth[docling]" in capsys.readouterr().err


def test_ray_and_docling_exclude_each_other(tmp_path, capsys):
    assert run(["index", "sync", str(tmp_path), "--docling", "--ray"]) == 2
    assert "exclude each other" in capsys.readouterr().err
