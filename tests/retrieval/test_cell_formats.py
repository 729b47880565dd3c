"""Numbers and dates look as they do in the spreadsheet."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.retrieval.loaders.cell_formats import BUILT_IN, general_number, shown_number

FIRST = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets know no zones
DAY = 45_321.25  # 30 January 2024, 6 o'clock


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1 / 3, "General", "0.3333333333"),
        (1234567890123, "General", "1234567890123"),
        (1.5e300, "General", "1.5E+300"),
        (0.00001234, "General", "0.00001234"),
        (-3, "General", "-3"),
        (1234.567, "#,##0.00", "1,234.57"),
        (2.675, "0.00", "2.68"),
        (0.125, "0.0%", "12.5%"),
        (42, "00000", "00042"),
        (0.5, "#.##", ".5"),
        (7, "0.##", "7"),
        (1234567, '#,##0,"k"', "1,235k"),
        (12345.678, "0.00E+00", "1.23E+04"),
        (-1234, "#,##0_);(#,##0)", "(1,234)"),
        (-5, "#,##0;[Red]-#,##0", "-5"),
        (0, '0.0;-0.0;"none"', "none"),
        (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
        (5, r"$#,##0.00\ ", "$5.00"),
        (3, '"about "0" pcs"', "about 3 pcs"),
        (0.5, "# ?/?", "0.5"),
        (5551234, "000-0000", "5551234"),
        (DAY, "yyyy-mm-dd", "2024-01-30"),
        (DAY, BUILT_IN[14], "2024-01-30"),
        (DAY, "dd.mm.yyyy hh:mm", "30.01.2024 06:00"),
        (DAY, "d-mmm-yy", "30-Jan-24"),
        (DAY, "dddd, mmmm d, yyyy", "Tuesday, January 30, 2024"),
        (DAY, "[$-F800]dddd", "Tuesday"),
        (DAY, "h:mm AM/PM", "6:00 AM"),
        (0.75, "h:mm AM/PM", "6:00 PM"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (0.0625, "mm:ss", "30:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (-1, "yyyy-mm-dd", "-1"),
        (1e15, "yyyy", "1E+15"),
        (7, "", ""),
        (7, "@", "7"),
        (7, ";;;", ""),
    ],
)
def test_values_look_as_their_cells_show_them(value: float, code: str, shown: str) -> None:
    assert shown_number(value, code).strip() == shown


def test_days_may_count_from_1904() -> None:
    assert shown_number(0, "yyyy-mm-dd", from_1904=True) == "1904-01-01"
    assert shown_number(2_957_003, "yyyy-mm-dd", from_1904=True) == "9999-12-31"


def test_days_after_the_last_of_the_calendar_are_numbers() -> None:
    """The day 2,957,004 after 1904 is in the year 10000: it cost the whole workbook."""
    assert shown_number(2_957_004, "yyyy", from_1904=True) == "2957004"


@pytest.mark.parametrize("code", ["ſſ", "[ſ]", "0.0 ſ"])
def test_letters_that_fold_to_those_of_codes_are_text(code: str) -> None:
    """Whatever its case, a long s was taken for the seconds, and cost the whole workbook."""
    assert "ſ" in shown_number(1, code) or code == "[ſ]"


@pytest.mark.parametrize("value", [1e308, 5e-324])
def test_hundreds_of_signs_of_percent_show_something(value: float) -> None:
    assert shown_number(value, f"0{'%' * 250}")


@given(st.integers(61 * 86_400, 2_958_465 * 86_400))
def test_serial_days_are_the_days_of_the_calendar(seconds: int) -> None:
    moment = FIRST + timedelta(seconds=seconds)
    serial = seconds / 86_400
    assert shown_number(serial, "yyyy-mm-dd hh:mm:ss") == f"{moment:%Y-%m-%d %H:%M:%S}"


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.text('0#,.%E+-?/@"[]$;\\_ dmyhs*A', max_size=12),
)
def test_any_code_shows_something_at_once(value: float, code: str) -> None:
    assert len(shown_number(value, code)) < 3_000


@given(st.integers(-(10**14), 10**14))
def test_integers_keep_their_digits(value: int) -> None:
    assert general_number(value) == str(value)
