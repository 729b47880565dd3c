"""Workbooks become lines that explain themselves, with the values as the cells show them."""

import datetime
import io
import time

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font

from helpers.office_files import replaced, xlsx_bytes, xlsx_written
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders import load
from quoth.retrieval.loaders.xlsx_cells import column_letters, column_number
from quoth.types import location_between

BUDGET = [
    ["Company budget"],
    [],
    ["Region", "Revenue 2022", "Revenue 2023", "Since"],
    ["North", 5100, 5200.5, datetime.date(2020, 1, 2)],
    ["South", 0, None, datetime.datetime.fromisoformat("2021-03-04T05:06")],
]


def lines_of(content: bytes) -> list[str]:
    return load("a.xlsx", content).text.split("\n")


def test_a_workbook_as_spreadsheet_programs_write_it() -> None:
    document = load("a.xlsx", xlsx_bytes({"Budget": BUDGET, "Empty": [], "My Notes": [["a note"]]}))
    assert document.text == (
        "Budget\n\nCompany budget\n\nRegion | Revenue 2022 | Revenue 2023 | Since\n"
        "Region: North | Revenue 2022: 5100 | Revenue 2023: 5200.5 | Since: 2020-01-02\n"
        "Region: South | Revenue 2022: 0 | Since: 2021-03-04 5:06:00\n\n"
        "My Notes\n\na note"
    )
    assert [(h.level, h.title) for h in document.headings] == [(1, "Budget"), (1, "My Notes")]
    at = document.text.index("Revenue 2023: 5200.5")
    assert location_between(document.locations, at, at + 5) == "Budget!C4"
    row = document.text.index("Region: North")
    assert (
        location_between(document.locations, row, document.text.index("\n\nMy")) == "Budget!A4:D5"
    )
    assert document.locations[-1].label == "'My Notes'!A1"
    notes = document.text.index("My Notes")
    assert location_between(document.locations, notes, notes + 3) == "'My Notes'!A1"
    assert document.format == "xlsx"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[None, 2022, 2023], ["Cost", 3, 4]], ["2022 | 2023", "Cost | 2022: 3 | 2023: 4"]),
        ([["Name", "Bob"], ["City", "Rome"], ["Age", 3]], ["Name | Bob", "City | Rome", "Age | 3"]),
        (
            [["Item", "Price"], ["a", 1], ["b", 2]],
            ["Item | Price", "Item: a | Price: 1", "Item: b | Price: 2"],
        ),
        ([["Rent", 2000], ["Food", 300], ["Fun", 9]], ["Rent | 2000", "Food | 300", "Fun | 9"]),
        ([["a", "b", "a"], [1, 2, 3]], ["a | b | a", "1 | 2 | 3"]),
        ([["a", "b", "c"]], ["a | b | c"]),
        (
            [["By", "Bob"], ["Item", "In", "Out"], ["x", 1, 2]],
            ["By | Bob", "Item | In | Out", "Item: x | In: 1 | Out: 2"],
        ),
        (
            [[None, 2022, None, 2023], [None, "Q1", "Q2", "Q1", "Q2"], ["Cost", 1, 2, 3, 4]],
            ["2022 | 2023", "Q1 | Q2 | Q1 | Q2",
             "Cost | 2022 Q1: 1 | 2022 Q2: 2 | 2023 Q1: 3 | 2023 Q2: 4"],
        ),
        ([["1,5", "x"], [7, 8, 9], [7, 8, 9]], ["1,5 | x", *["1,5: 7 | x: 8 | 9"] * 2]),
    ],
)  # fmt: skip
def test_headers_are_told_from_other_rows(rows: list[list[object]], expected: list[str]) -> None:
    assert lines_of(xlsx_bytes({"S": rows}))[2:] == expected


def test_bold_names_over_texts_are_a_header() -> None:
    def write(book) -> None:
        sheet = book.create_sheet("S")
        for row in (["Term", "Meaning"], ["SQL", "a language"], ["CPU", "a part"]):
            sheet.append(row)
        for cell in sheet[1]:
            cell.font = Font(bold=True)

    assert lines_of(xlsx_written(write))[3] == "Term: SQL | Meaning: a language"


def test_hidden_sheets_are_left_out_and_hidden_rows_kept() -> None:
    def write(book) -> None:
        for name, state in (("a", "visible"), ("b", "hidden"), ("c", "veryHidden")):
            sheet = book.create_sheet(name)
            sheet.sheet_state = state
            sheet["A1"] = f"text of {name}"
            sheet.row_dimensions[1].hidden = True

    assert lines_of(xlsx_written(write)) == ["a", "", "text of a"]


def test_formulas_count_by_their_stored_values() -> None:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet("S")
        sheet.write_formula("A1", "=1+1", None, 2)
        sheet.write_formula("B1", '="a"&"b"', None, "ab")
        sheet.write_formula("C1", "=1/0", None, "#DIV/0!")
        sheet.write_formula("D1", "=TRUE()", None, True)
        sheet.write_rich_string("A3", "rich ", book.add_format({"bold": True}), "text")
        sheet.write_url("B3", "http://127.0.0.1:1/x", string="a link")
    assert lines_of(sink.getvalue())[2:] == ["2 | ab | #DIV/0! | TRUE", "", "rich text | a link"]


def test_cells_far_out_cost_nothing() -> None:
    def write(book) -> None:
        for number in range(50):
            book.create_sheet(str(number))["XFD1048576"] = "far"

    content = xlsx_written(write)
    started = time.process_time()
    document = load("a.xlsx", content)
    assert time.process_time() - started < 2
    assert document.locations[0].label == "0!XFD1048576"
    wide = b'<dimension ref="A1:XFD1048576"/><sheetData>'
    claimed = replaced(
        content, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"<sheetData>", wide)
    )
    assert load("a.xlsx", claimed).text == document.text


def test_cells_and_repeated_text_are_limited() -> None:
    content = xlsx_bytes({"S": [["x" * 1000] * 10]})
    with pytest.raises(DocumentError, match="more than 9 cells"):
        load("a.xlsx", content, LoadLimits(max_cells=9))
    with pytest.raises(DocumentError, match="more than 5,000 characters"):
        load("a.xlsx", content, LoadLimits(max_chars=5_000))


@given(st.integers(0, 16_383))
def test_columns_have_letters(column: int) -> None:
    assert column_number(column_letters(column)) == column
    assert (column_letters(0), column_letters(27), column_letters(16_383)) == ("A", "AB", "XFD")


NO_TEXT = "\ufffe\uffff"
CELLS = st.none() | st.integers(-(10**9), 10**9) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=NO_TEXT),
    max_size=12,
).filter(lambda text: not text.startswith("="))  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.lists(CELLS, max_size=4), max_size=6))
def test_every_cell_comes_out_in_order_at_its_place(rows: list[list[object]]) -> None:
    shown = [
        (f"S!{column_letters(column)}{number}", " ".join(canonical_text(str(value)).split()))
        for number, row in enumerate(rows, 1)
        for column, value in enumerate(row)
        if value is not None
    ]
    expected = [(label, text) for label, text in shown if text]
    try:
        document = load("a.xlsx", xlsx_bytes({"S": rows}))
    except DocumentError:
        assert not expected
        return
    assert [each.label for each in document.locations] == [label for label, _ in expected]
    ends = [each.start for each in document.locations[1:]] + [len(document.text)]
    for (_, text), each, end in zip(expected, document.locations, ends, strict=True):
        piece = document.text[each.start : end].strip().removesuffix("|").rstrip()
        assert piece.endswith(text.removesuffix("|").rstrip())
