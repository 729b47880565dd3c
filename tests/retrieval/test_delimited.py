"""CSV and TSV files become lines that explain themselves, each with its row."""

import csv
import io
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders import load

TABLE = [["Name", "City", "Note"], ["Bob", "Paris", 'says "hi"\nand, goes'], ["Ann", "Łódź", ""]]


def written(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter, lineterminator=end).writerows(rows)
    return sink.getvalue()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_usual_dialect_is_read(name: str, delimiter: str, end: str, encoding: str) -> None:
    document = load(name, written(TABLE, delimiter, end).encode(encoding))
    assert document.text == (
        "Name | City | Note\n"
        'Name: Bob | City: Paris | Note: says "hi" and, goes\n'
        "Name: Ann | City: Łódź"
    )
    assert [each.label for each in document.locations] == ["row 1", "row 2", "row 3"]
    assert [document.text[each.start :][:6] for each in document.locations] == [
        "Name |", "Name: ", "Name: ",
    ]  # fmt: skip
    assert document.format == "csv"


@pytest.mark.parametrize(
    ("text", "lines", "rows"),
    [
        ("1,5;2,5\n3,5;4,5\n", ["1,5 | 2,5", "3,5 | 4,5"], [1, 2]),
        ("sep=;\r\na;b,c;d\r\n1;2;3", ["a | b,c | d", "a: 1 | b,c: 2 | d: 3"], [1, 2]),
        ("a,b,c\n1,2,3\n\n4,,6", ["a | b | c", "a: 1 | b: 2 | c: 3", "a: 4 | c: 6"], [1, 2, 4]),
        ("k,1\nl,2\n", ["k | 1", "l | 2"], [1, 2]),
        (
            "day,t\n2024-01-02,5 %\n2024-01-03,6 %",
            ["day | t", "day: 2024-01-02 | t: 5 %", "day: 2024-01-03 | t: 6 %"],
            [1, 2, 3],
        ),
    ],
)  # fmt: skip
def test_rows_count_as_in_a_spreadsheet(text: str, lines: list[str], rows: list[int]) -> None:
    document = load("a.csv", text.encode())
    assert document.text.split("\n") == lines
    assert [each.label for each in document.locations] == [f"row {number}" for number in rows]


@pytest.mark.parametrize(
    "text",
    [
        "just one column\nof values\n",
        "A letter, with commas, and more.\nNo table, though.\nAt all.\n",
        'a,b\n"unclosed,1\n2,3\n',
        'a,b\n"x"y,1\n2,3\n',
        "a,b\n" + "x" * 200_000 + ",2\n",
    ],
)
def test_what_is_no_table_is_plain_text(text: str) -> None:
    document = load("a.csv", text.encode())
    assert (document.format, document.text, document.locations) == ("text", text, ())


def test_cells_are_limited() -> None:
    with pytest.raises(DocumentError, match="more than 5 cells"):
        load("a.csv", b"a,b\n" * 3, LoadLimits(max_cells=5))


VALUES = st.text(st.sampled_from("ab 1,;\"'\n.-"), max_size=8)


ROWS = st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=8)


@given(ROWS, st.sampled_from(",;\t|"))
def test_every_value_comes_out_in_order(rows: list[list[str]], delimiter: str) -> None:
    wanted = [" ".join(value.split()) for row in rows for value in row if value.strip()]
    assume(wanted)
    document = load("a.csv", f"sep={delimiter}\n{written(rows, delimiter)}".encode())
    assert document.format == "csv"
    place = 0
    for value in wanted:
        place = document.text.index(value, place) + len(value)


def test_hostile_tables_take_linear_time() -> None:
    started = time.process_time()
    many = 100_000
    for text in (",\n" * many + "x", '"' * (2 * many + 1), '"' + "x\n" * many, "," * many + "x"):
        load("a.csv", text.encode())
    assert time.process_time() - started < 10
