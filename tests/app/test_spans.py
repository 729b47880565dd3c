"""Runs of equal characters, cut at the borders of words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.spans import align, find_verbatim, trim

TEXT = st.text(st.sampled_from("ab c\n.é\u0301"), max_size=40)


def test_a_run_is_widened_to_the_left_and_ends_where_the_copy_ended():
    answer = "[1] The raven flies."
    source = "Look: The raven flies. It is black."
    assert align(answer, source, at=(8, 10), source_end=22) == (4, 6, 16)


def test_half_words_are_cut_off():
    answer, source = "the unable man", "an able man"
    assert trim(answer, source, (6, 3, 8)) == (11, 8, 3)


def test_a_word_that_goes_on_in_the_answer_is_cut_off():
    assert align("they run fastly now", "they run fast", at=(0, 0), source_end=13) == (0, 0, 8)


def test_a_run_does_not_reach_into_an_earlier_citation():
    start, _, length = align("aa bb cc", "aa bb cc", at=(6, 6), source_end=8, floor=3)
    assert (start, length) == (3, 5)


@given(TEXT, TEXT, st.integers(0, 40), st.integers(0, 40))
def test_a_run_is_equal_text_whatever_the_start(answer, source, a, s):
    a, s = min(a, len(answer)), min(s, len(source))
    start, source_start, length = align(answer, source, at=(a, s), source_end=len(source))
    assert answer[start : start + length] == source[source_start : source_start + length]
    run = answer[start : start + length]
    assert run == run.strip()


@given(TEXT, st.lists(TEXT, max_size=3), st.integers(1, 6))
def test_verbatim_stretches_are_equal_disjoint_and_long_enough(answer, sources, min_chars):
    position = 0
    found = find_verbatim(
        answer, sources, start=0, end=len(answer), min_chars=min_chars, min_words=1
    )
    for number, (start, at, length) in found:
        assert start >= position
        assert length >= min_chars
        assert answer[start : start + length] == sources[number][at : at + length]
        position = start + length


@pytest.mark.parametrize("quote", ["the cat sat on the mat", "mat."])
def test_a_planted_quote_is_found_from_the_length_asked_for(quote):
    answer, source = f"He said {quote} and left", f"Once {quote} Then more"
    found = list(
        find_verbatim(answer, [source], start=0, end=len(answer), min_chars=12, min_words=3)
    )
    expected = [(0, (8, 5, len(quote)))] if len(quote) >= 12 else []
    assert found == expected
