"""Quotes that meet in the answer and not in the source; those that meet in both; those apart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.events import ScoredPassage
from quoth.app.seams import seams
from quoth.types import Citation, Passage

SOURCE = "Ravens fly high.\n\nThey nest on cliffs, and they live long."


def passage(text=SOURCE, base=100, document_id="d"):
    inner = Passage(
        id="p", document_id=document_id, document="birds.md", text=text,
        start=base, end=base + len(text),
    )  # fmt: skip
    return ScoredPassage(number=1, passage=inner, score=0.5)


def quoted(answer, *quotes, source=SOURCE, base=100, source_id="d"):
    """Citations of these words of the answer, each where it first stands in the source."""
    return [
        Citation(
            start=answer.index(words), end=answer.index(words) + len(words), source_id=source_id,
            source_start=base + source.index(words),
            source_end=base + source.index(words) + len(words), document="birds.md",
        )
        for words in quotes
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "quotes", "expected"),
    [
        ("Ravens fly on cliffs", ["Ravens fly", "on cliffs"], (11,)),  # words are left out
        ("on cliffs Ravens fly", ["on cliffs", "Ravens fly"], (10,)),  # the other way round
        ("Ravens fly, on cliffs", ["Ravens fly", "on cliffs"], (12,)),  # a comma hides nothing
        ("Ravens flyon cliffs", ["Ravens fly", "on cliffs"], (10,)),
        ("Ravens fly high. They nest", ["Ravens fly high.", "They nest"], ()),  # a line break less
        ("on cliffs; and they", ["on cliffs", "and they"], ()),  # another comma
        ("Ravens fly only on cliffs", ["Ravens fly", "on cliffs"], ()),  # own words between
        ("Ravens fly [1] on cliffs", ["Ravens fly", "on cliffs"], ()),
        ("Ravens They long", ["Ravens", "They", "long"], (7, 12)),
        ("Ravens fly", ["Ravens fly"], ()),
        ("no quote", [], ()),
    ],
)
def test_a_seam_is_where_the_source_is_cut(answer, quotes, expected):
    assert seams(answer, quoted(answer, *quotes), [passage()]) == expected


def test_quotes_of_two_sources_have_no_seam():
    answer = "Ravens fly on cliffs"
    first = quoted(answer, "Ravens fly")
    second = quoted(answer, "on cliffs", source_id="other")
    assert seams(answer, first + second, [passage(), passage(document_id="other")]) == ()


@pytest.mark.parametrize(("answer", "expected"), [("fly high", ()), ("fly live", (4,))])
def test_in_an_earlier_turn_the_offsets_tell(answer, expected):
    quotes = quoted(answer, *answer.split(), source="fly high and live", source_id="turn")
    assert seams(answer, quotes, []) == expected


@given(st.text(st.sampled_from("ab .\n"), max_size=30), st.data())
def test_whatever_is_copied_as_a_whole_has_no_seam(source, data):
    borders = sorted(data.draw(st.sets(st.integers(0, len(source)), max_size=6)))
    quotes = [
        Citation(
            start=start, end=end, source_id="d", source_start=start + 7, source_end=end + 7,
            document="a",
        )
        for start, end in pairwise(borders)
    ]  # fmt: skip
    assert seams(source, quotes, []) == seams(source, quotes, [passage(source, base=7)]) == ()
