"""Stretches of text are called as users of their files call them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.retrieval.locations import locations_within, packed, unpacked
from quoth.types import Location, location_between

TEXT = "one\ntwo\nthree\n"


def within(start: int, end: int, **options) -> tuple[Location, ...]:
    facts = {"text": TEXT, "format": "pdf", "page_starts": (), "told": (), **options}
    return locations_within(start=start, end=end, **facts)


def called(labels: list[str]) -> str:
    places = [Location(start=2 * at, label=label) for at, label in enumerate(labels)]
    return location_between(places, 0, 2 * len(places))


def test_lines_are_counted_in_the_whole_text() -> None:
    assert within(4, 13, format="code") == (
        Location(start=4, label="line 2"),
        Location(start=8, label="line 3"),
    )
    assert within(4, 8, format="text") == (Location(start=4, label="line 2"),)


def test_what_the_loader_told_comes_before_pages_and_lines() -> None:
    told = (Location(start=0, label="slide 1"), Location(start=6, label="slide 2"))
    options = {"told": told, "page_starts": (0, 5), "format": "code"}
    assert within(3, 9, **options) == (
        Location(start=3, label="slide 1"),
        Location(start=6, label="slide 2"),
    )
    assert [each.label for each in within(3, 9, page_starts=(0, 5))] == ["page 1", "page 2"]
    assert within(3, 9) == ()


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ([], ""),
        (["slide 3"], "slide 3"),
        (["slide 3", "slide 4", "slide 5"], "slides 3-5"),
        (["Budget!A2", "Budget!B2", "Budget!C4"], "Budget!A2:C4"),
        (["Budget!C2", "Budget!AA3", "Budget!B4"], "Budget!B2:AA4"),
        (["Budget!A2", "Costs!A1"], "Budget!A2 - Costs!A1"),
        (["cover", "line 2"], "cover - line 2"),
    ],
)
def test_a_range_is_named_by_its_ends(labels: list[str], name: str) -> None:
    assert called(labels) == name


@given(st.lists(st.tuples(st.integers(0, 99), st.text(max_size=5)), max_size=6))
def test_they_come_back_as_they_were_stored(rows: list[tuple[int, str]]) -> None:
    told = tuple(Location(start=start, label=label) for start, label in sorted(rows))
    assert unpacked(packed(told)) == told


@pytest.mark.parametrize("content", [b"", b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_damage_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="locations cannot be read"):
        unpacked(content)
