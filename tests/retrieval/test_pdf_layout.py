"""PDF pages as readers read them: rows, columns, heads of tables, headings; no page furniture."""

import random
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.pdfs import LEADING, TOP, bold, make_pdf, paragraph, table
from quoth.retrieval.documents import LoadedDocument
from quoth.retrieval.loaders import load
from quoth.retrieval.loaders.pdf_lines import cells_of, lines_of
from quoth.retrieval.loaders.pdf_words import Box, PageWord
from quoth.retrieval.pages import page_at

SENTENCE = (
    "the company sells bicycles in many countries and repairs them in its own workshops "
    "where people learn the trade from those who have done it for years"
)


def load_pages(*pages: list, **options) -> LoadedDocument:
    return load("made.pdf", make_pdf(pages, **options))


def prose(seed: int, lines: int, words: int = 6) -> list[str]:
    chosen = random.Random(seed)
    return [
        " ".join(chosen.choices(SENTENCE.split(), k=words)) + f" {seed}x{n}" for n in range(lines)
    ]


ROWS = [
    ("Net product sales", "$ 118,573", "$ 141,915"),
    ("Net service sales", "59,293", ""),
    ("Acquisition of businesses", "", "842"),
    ("Total", "(177,866)", "—"),
]
ROW_TEXTS = [
    "Net product sales $ 118,573 $ 141,915", "Net service sales 59,293",
    "Acquisition of businesses 842", "Total (177,866) —",
]  # fmt: skip


def test_a_row_of_a_table_is_a_line_with_label_and_numbers() -> None:
    """Also where it holds one number only, which looks like the end of a sentence."""
    assert load_pages(table(ROWS)).text.split("\n") == ROW_TEXTS


def test_rows_do_not_depend_on_the_order_in_which_cells_are_drawn() -> None:
    cells = table(ROWS)
    random.Random(5).shuffle(cells)
    assert load_pages(cells).text.split("\n") == ROW_TEXTS


def test_words_drawn_one_by_one_make_a_line() -> None:
    line = [
        (72 + 70 * n, TOP, word) for n, word in enumerate(["MGM", "RESORTS", "AND", "SUBSIDIARIES"])
    ]
    assert load_pages(line).text == "MGM RESORTS AND SUBSIDIARIES"


def test_letters_that_pdfium_takes_for_lines_make_words_again() -> None:
    """As in real lists of subsidiaries, in which each letter came as a line of its own."""
    letters = [
        PageWord(letter, Box(10.0 + 6 * n, 100, 16.0 + 6 * n, 110), 10, False, False)
        for n, letter in enumerate("RINC_Ltd.")
        if letter != "_"
    ]
    [line] = lines_of(cells_of([[letter] for letter in letters]))
    assert line.text == "RINC Ltd."
    assert [word.box.left for word in line.words()] == [10, 40]


def test_a_label_of_two_lines_stays_with_its_numbers() -> None:
    rows = [
        ("Operating expenses:", "", ""),
        ("Release of vested restricted stock", "", ""),
        ("units, including tax effects", "1,928", "(330)"),
        ("Net income", "4,002", "57"),
    ]
    assert load_pages(table(rows)).text.split("\n") == [
        "Operating expenses:",
        "Release of vested restricted stock units, including tax effects 1,928 (330)",
        "Net income 4,002 57",
    ]


def test_titles_of_columns_that_take_two_lines_are_read_column_by_column() -> None:
    rows = [
        ("", "Gross Carrying", "Accumulated"),
        ("($ in millions)", "Amount", "Amortization"),
        ("Computer software", "242", "(170)"),
    ]
    head, row = load_pages(table(rows)).text.split("\n")
    assert head == "($ in millions) Gross Carrying Amount Accumulated Amortization"
    assert row == "Computer software 242 (170)"


def test_a_title_above_several_columns_stays_on_its_own_line() -> None:
    rows = [("(In millions)", "2019", "2018"), ("Net sales", "519,926", "510,329")]
    title = (380, TOP + LEADING, "Years Ended")
    text = load_pages([title, *table(rows)]).text
    assert text.split("\n") == [
        "Years Ended",
        "(In millions) 2019 2018",
        "Net sales 519,926 510,329",
    ]


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    left, right = prose(1, 12, words=5), prose(2, 12, words=5)
    across = ["A title that stands across both of the columns of this page, from left to right."]
    page = paragraph(across) + [
        line
        for pair in zip(
            paragraph(left, top=TOP - 40, left=60), paragraph(right, top=TOP - 43, left=330),
            strict=True,
        )
        for line in pair
    ]  # fmt: skip
    text = " ".join(load_pages(page).text.split())
    assert text == " ".join(across + left + right)


def test_a_table_of_short_texts_is_read_row_by_row() -> None:
    rows = [(f"Director {n}", f"Since 199{n}", f"Audit {n}") for n in range(8)]
    assert load_pages(table(rows)).text.split("\n") == [" ".join(row) for row in rows]


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        [(72, 770, "ACME CORPORATION"), *paragraph(prose(n, 5)), (300, 40, f"{n + 1}")]
        for n in range(8)
    ]
    text = load_pages(*pages).text
    assert text.count("ACME CORPORATION") == 1  # the first one is no repetition
    assert text.startswith("ACME CORPORATION")
    assert all(f"{n}x4" in text for n in range(8))
    assert not any(line.strip().isdigit() for line in text.split("\n"))


def test_what_is_not_at_the_edge_or_stands_on_few_pages_stays() -> None:
    pages = [paragraph([*prose(n, 5), "Repeated.", *prose(n + 50, 5)]) for n in range(8)]
    pages[2].append((72, 770, "SEEN TWICE"))
    pages[5].append((72, 770, "SEEN TWICE"))
    text = load_pages(*pages).text
    assert text.count("Repeated.") == 8
    assert text.count("SEEN TWICE") == 2


def test_a_sentence_goes_on_over_the_page() -> None:
    document = load_pages(
        paragraph(["The company was founded in a garage and has made bicycles since the"]),
        paragraph(["bridge was built."]),
    )
    assert "since the bridge was built." in document.text
    assert page_at(document.page_starts, document.text.index("bridge")) == 2


def test_headings_are_found_by_their_letters() -> None:
    page = [
        bold((72, TOP, "PART II"), 16),
        bold((72, TOP - 30, "Item 7. Management's Discussion and Analysis"), 14),
        *paragraph(prose(1, 4), top=TOP - 60),
        bold((72, TOP - 140, "Results of Operations")),
        *paragraph(prose(2, 4), top=TOP - 160),
        *[bold(cell) for cell in table([("", "2019", "2018"), ("Assets", "", "")], top=TOP - 240)],
        *table(ROWS, top=TOP - 240 - 2 * LEADING),
    ]
    document = load_pages(page)
    assert [(heading.level, heading.title) for heading in document.headings] == [
        (1, "PART II"),
        (2, "Item 7. Management's Discussion and Analysis"),
        (3, "Results of Operations"),
    ]
    for heading in document.headings:
        assert " ".join(document.text[heading.start : heading.end].split()) == heading.title


@pytest.mark.parametrize(
    "title",
    [
        [(72, "Consolidated Balance Sheets")],
        [(72, "Acme and Subsidiaries Consolidated Balance Shee ts")],  # a space that is in the file
        [(72, "Consolidated Balance Sheets"), (350, "Acme and Subsidiary Companies")],
    ],
)
def test_bold_words_of_a_statement_stand_below_its_title(title: list[tuple[int, str]]) -> None:
    page = [
        bold((72, TOP, "Item 8. Financial Statements")),
        *paragraph(prose(1, 4), top=TOP - 30),
        *[bold((left, TOP - 120, words)) for left, words in title],
        *table([("In millions", "2019", "2018")], top=TOP - 120 - LEADING),
        bold((72, TOP - 170, "Assets")),
        *paragraph(prose(2, 2), top=TOP - 200),
        *table(ROWS, top=TOP - 250),
    ]
    headings = [(heading.level, heading.title) for heading in load_pages(page).headings]
    whole = " ".join(words for _, words in title)
    assert headings == [(1, "Item 8. Financial Statements"), (2, whole), (3, "Assets")]


def test_a_table_of_contents_gives_no_headings() -> None:
    rows = [(f"Item {n}. Something of this kind", "", str(7 * n)) for n in range(1, 9)]
    assert load_pages(table(rows), paragraph(prose(1, 30))).headings == ()


def test_bookmarks_come_before_styles() -> None:
    page = [(72, TOP, "Introduction"), bold((72, TOP - 30, "Details"))]
    page += paragraph(prose(1, 5), top=TOP - 60)
    headings = load_pages(page, outline=[("Introduction", 0)]).headings
    assert [(heading.level, heading.title) for heading in headings] == [
        (1, "Introduction"),
        (2, "Details"),
    ]


def letters_of(content: bytes) -> str:
    """What PDFium reads of the first page: what is drawn twice in one place is there once."""
    text = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_range()
    return "".join(letter for letter in text if letter.isalnum() or letter in ",$()—")


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(20, 560),
            st.integers(30, 760),
            st.text("ab1,$()—- é", min_size=1, max_size=12),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_no_word_is_lost_and_every_word_has_its_box(lines: list[tuple[int, int, str]]) -> None:
    """Wherever words stand, also on top of each other; hyphens at the end of a line may go."""
    drawn = [(float(x), float(y), text) for x, y, text in lines]
    if not "".join(text for *_, text in drawn).strip(" -"):
        return
    document = load_pages(drawn)
    assert document.boxes
    spans = [(int(row[0]), int(row[1])) for row in document.boxes.rows]
    covered = "".join(document.text[start:end] for start, end in spans)
    outside = set(range(len(document.text))) - {i for a, b in spans for i in range(a, b)}
    assert all(document.text[place] in " \n-" for place in outside)
    assert sorted(covered.replace("-", "")) == sorted(letters_of(make_pdf([drawn])))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "page", "row"),
    [
        ("AMAZON_2019_10K", 37, "Net income $ 3,033 $ 10,073 $ 11,588"),
        ("BOEING_2018_10K", 51, "Property, plant and equipment, net 12,645 12,672"),
        ("CORNING_2020_10K", 71, "Accounts payable 1,174 1,587"),
        ("MGMRESORTS_2018_10K", 56, "Accounts payable $ 302,578 $ 255,028"),
        (
            "3M_2018_10K",
            59,
            "Net cash provided by (used in) operating activities 6,439 6,240 6,662",
        ),
    ],
)
def test_statements_of_real_filings_keep_their_rows(
    shared_data: Path, name: str, page: int, row: str
) -> None:
    path = shared_data / "financebench" / "pdfs" / f"{name}.pdf"
    document = load(path.name, path.read_bytes())
    starts = [*document.page_starts, len(document.text)]
    assert row in document.text[starts[page] : starts[page + 1]].split("\n")
    assert "Table of Contents\n" not in document.text[starts[10] :]
    assert any(
        heading.level <= 3 and "Item" in heading.title.title() for heading in document.headings
    )
