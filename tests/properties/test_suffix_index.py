"""The suffix index against a scan that tries every place."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.decoding.drafting.suffix_index import SuffixIndex

few_tokens = st.lists(st.integers(0, 3), max_size=30)


def brute_force(sources: list[list[int]], text: list[int], limit: int) -> tuple[int, set]:
    """The longest match of the text's end, and (source, position after it) of each occurrence."""
    everything = [*sources, text]
    for length in range(min(limit, len(text)), 0, -1):
        found = {
            (number, start + length)
            for number, source in enumerate(everything)
            for start in range(len(source) - length + 1)
            if source[start : start + length] == text[-length:]
            and (source is not text or start + length < len(text))
        }
        if found:
            return length, found
    return 0, set()


@settings(deadline=None)
@given(
    st.lists(few_tokens, max_size=3),
    st.lists(st.integers(0, 3), min_size=1, max_size=20),
    st.lists(few_tokens, max_size=4),
    st.integers(1, 8),
)
def test_it_finds_what_a_scan_finds(
    sources: list[list[int]], text: list[int], growth: list[list[int]], limit: int
) -> None:
    index = SuffixIndex(sources, text)
    for added in [[], *growth]:
        index.append(added)
        text = [*text, *added]
        match = index.longest(limit)
        places = [int(place) for place in match.places]
        assert places == sorted(places)
        found = {
            (number, place - index.starts[number])
            for place in places
            for number in [index.source_at(place - 1)]
        }
        assert (match.length, found) == brute_force(sources, text, limit)


@settings(deadline=None)
@given(st.lists(few_tokens, max_size=3), st.lists(st.integers(0, 3), min_size=1), st.data())
def test_tokens_end_where_their_source_ends(
    sources: list[list[int]], text: list[int], data: st.DataObject
) -> None:
    index = SuffixIndex(sources, text)
    number = data.draw(st.integers(0, len(sources)))
    source = [*sources, text][number]
    start = data.draw(st.integers(0, len(source)))
    wanted = data.draw(st.integers(0, 40))
    place = index.starts[number] + start
    assert index.tokens(place, place + wanted) == source[start : start + wanted]
