import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.ui.excerpts import excerpt


@st.composite
def ranges(draw):
    source = draw(st.text(alphabet=st.sampled_from("ab é\n🙂"), max_size=60))
    start = draw(st.integers(0, len(source)))
    return source, start, draw(st.integers(start, len(source))), draw(st.integers(0, 20))


@given(ranges())
def test_an_excerpt_is_one_stretch_of_the_source_around_the_range(case):
    source, start, end, reach = case
    found = excerpt(source, start, end, reach=reach)
    assert found.copied == source[start:end]
    assert source[:start].endswith(found.before)
    assert source[end:].startswith(found.after)
    assert max(len(found.before), len(found.after)) <= reach


@given(ranges())
def test_an_excerpt_says_whether_the_source_goes_on(case):
    source, start, end, reach = case
    found = excerpt(source, start, end, reach=reach)
    assert found.is_cut_before == (len(found.before) < start)
    assert found.is_cut_after == (len(found.after) < len(source) - end)


@given(ranges())
def test_words_are_whole_unless_a_side_has_no_border(case):
    source, start, end, reach = case
    found = excerpt(source, start, end, reach=reach)
    left = start - len(found.before)
    if left > 0 and any(char.isspace() for char in found.before):
        assert source[left - 1].isspace()
    right = end + len(found.after)
    if right < len(source) and any(char.isspace() for char in found.after):
        assert source[right].isspace()


def test_the_worked_example():
    found = excerpt("one two [three] four five", 8, 15, reach=6)
    assert (found.before, found.copied, found.after) == ("two ", "[three]", " four")


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (0, 5)])
def test_a_range_outside_of_the_source_is_refused(start, end):
    with pytest.raises(ValueError, match="is not a range of a source of 4 characters"):
        excerpt("abcd", start, end, reach=3)
