"""PDF: what the page says, in reading order, with pages and places that are right."""

import time
from pathlib import Path

import pytest

from helpers.pdfs import LEADING, LEFT, TOP, make_pdf, paragraph
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders import load
from quoth.retrieval.pages import page_at

PROSE = [
    "The company was founded in a garage in the year that the bridge was built,",
    "and it has made bicycles ever since. Its workshop still stands beside the",
    "old harbour.",
]


def load_pages(*pages: list, **options) -> LoadedDocument:
    return load("made.pdf", make_pdf(pages, **options))


def test_lines_of_a_paragraph_are_joined_and_paragraphs_stay_apart() -> None:
    lower = paragraph(["A second paragraph."], top=TOP - 5 * LEADING)
    document = load_pages(paragraph(PROSE) + lower)
    assert document.text == " ".join(PROSE) + "\n\nA second paragraph."


def test_rows_of_a_table_stay_apart() -> None:
    rows = [f"{name} of the whole group and its parts, in millions 1,234 (56) {n}" for n, name in
            enumerate(["Revenue", "Expense", "Surplus"])]  # fmt: skip
    assert load_pages(paragraph(rows)).text == "\n".join(rows)


def test_items_stay_apart() -> None:
    items = [
        f"{n}. an item that is long enough to reach the right margin of its list" for n in "12"
    ]
    assert load_pages(paragraph(items)).text == "\n".join(items)


def test_every_page_starts_where_it_says() -> None:
    document = load_pages(paragraph(["First page."]), [], paragraph(["Third page."]))
    assert document.text == "First page.\n\nThird page."
    assert len(document.page_starts) == 3
    assert page_at(document.page_starts, 0) == 1
    assert page_at(document.page_starts, document.text.index("Third")) == 3
    assert page_at(document.page_starts, len(document.text) - 1) == 3


def test_a_word_has_its_place_on_its_page() -> None:
    document = load_pages(paragraph(["Nothing here."]), paragraph(PROSE))
    start = document.text.index("workshop")
    assert document.boxes
    [rect] = document.boxes.rectangles(start, start + len("workshop"))
    baseline = TOP - LEADING
    assert rect.page == 2
    assert rect.bottom <= baseline <= rect.top <= baseline + LEADING
    assert rect.left > LEFT + 100  # behind "and it has made bicycles ever since. Its"
    assert 40 < rect.right - rect.left < 60  # "workshop" in Helvetica 12


def test_a_span_over_lines_and_pages_has_a_rectangle_per_line() -> None:
    document = load_pages(paragraph(PROSE), paragraph(["Next page."]))
    assert document.boxes
    rects = document.boxes.rectangles(0, len(document.text))
    assert [rect.page for rect in rects] == [1, 1, 1, 2]
    assert all(rect.left == pytest.approx(LEFT, abs=2) for rect in rects)


def test_boxes_survive_packing() -> None:
    from quoth.retrieval.boxes import unpacked

    boxes = load_pages(paragraph(PROSE)).boxes
    assert boxes
    assert (unpacked(boxes.packed()).rows == boxes.rows).all()


def test_every_word_of_the_text_has_exactly_one_box() -> None:
    document = load_pages(paragraph(PROSE), paragraph(["Café, naïve – “quoted”."]))
    assert document.boxes
    spans = [(int(row[0]), int(row[1])) for row in document.boxes.rows]
    assert [document.text[a:b] for a, b in spans] == document.text.split()


def test_a_word_broken_by_a_hyphen_is_whole_again_unless_the_hyphen_is_its_own() -> None:
    broken = [
        "This page is about the information that a reader who wants to know infor-",
        "mation about a well known and long lasting thing would call a very well-",
        "known matter.",
    ]
    text = load_pages(paragraph(broken)).text
    assert "know information about" in text
    assert "very well-known matter" in text


def test_what_comes_out_is_canonical() -> None:
    document = load_pages(paragraph(["Soft\xadhyphen, fixed\xa0space, and   many spaces."]))
    assert document.text == canonical_text(document.text)
    assert "fixed space" in document.text
    assert "  " not in document.text


def test_the_outline_gives_headings() -> None:
    page = paragraph(["Introduction"]) + paragraph(PROSE, top=TOP - 3 * LEADING)
    document = load_pages(page, paragraph(["Results"]), outline=[("Introduction", 0), ("Gone", 0)])
    assert [(h.title, h.start, h.level) for h in document.headings] == [("Introduction", 0, 1)]


def test_the_title_is_taken_if_a_person_gave_it() -> None:
    assert load_pages(paragraph(PROSE), title="Annual Report 2024").title == "Annual Report 2024"
    assert load_pages(paragraph(PROSE), title="0001018724-20-000004").title == ""


def test_an_encrypted_pdf_says_so() -> None:
    with pytest.raises(DocumentError, match="encrypted: it needs a password"):
        load_pages(paragraph(PROSE), password="secret")


def test_a_pdf_that_anybody_may_open_is_read_though_it_is_encrypted() -> None:
    assert load_pages(paragraph(["Open to all."]), password="").text == "Open to all."


@pytest.mark.parametrize("content", [b"%PDF-1.4\ngarbage", b"%PDF-1.7\n" + bytes(range(256)) * 8])
def test_a_broken_pdf_says_so(content: bytes) -> None:
    with pytest.raises(DocumentError, match="broken"):
        load("broken.pdf", content)


def test_a_cut_off_pdf_is_read_or_refused_but_never_crashes() -> None:
    whole = make_pdf([paragraph(PROSE)])
    for length in range(10, len(whole), 97):
        try:
            document = load("cut.pdf", whole[:length])
        except DocumentError:
            continue
        assert set(document.text.split()) <= set(" ".join(PROSE).split())


def test_a_scanned_pdf_says_so() -> None:
    with pytest.raises(DocumentError, match=r"without text .pages: 2, probably scanned"):
        load_pages([], [])


def test_too_many_pages_are_refused() -> None:
    content = make_pdf([paragraph(["x"])] * 3)
    with pytest.raises(DocumentError, match="3 pages, and 2 are allowed"):
        load("long.pdf", content, LoadLimits(max_pages=2))


def test_real_filings_load_fast_and_read_well(shared_data: Path) -> None:
    path = shared_data / "financebench" / "pdfs" / "AMAZON_2019_10K.pdf"
    started = time.monotonic()
    document = load(path.name, path.read_bytes())
    assert time.monotonic() - started < 60
    assert len(document.page_starts) == 83
    row = "North America $ 141,366 $ 170,773"
    assert page_at(document.page_starts, document.text.index(row)) == 24
    assert document.text.count("\n") < len(document.text) / 60  # paragraphs, not lines
    assert document.text == canonical_text(document.text)


def test_several_threads_may_load_at_once() -> None:
    """PDFium is not thread-safe; without the lock this crashes the process or garbles text."""
    from concurrent.futures import ThreadPoolExecutor

    contents = [
        make_pdf([paragraph([f"Document {n} page {p}."]) for p in range(5)]) for n in range(8)
    ]
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda content: load("a.pdf", content), contents * 3))
    for place, document in enumerate(documents):
        assert document.text.count(f"Document {place % 8} ") == 5
