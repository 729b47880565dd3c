"""The index of occurrences against a scan that tries every place."""

from bisect import bisect_right

from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.decoding.drafting.matching import CONTEXT
from quoth.decoding.drafting.occurrences import OccurrenceIndex
from quoth.decoding.drafting.prepared import PreparedSources

few_tokens = st.lists(st.integers(0, 3), max_size=30)
texts = st.lists(st.integers(0, 3), min_size=1, max_size=20)


def index_of(
    sources: list[list[int]], text: list[int], spellings: list[int] | None = None
) -> OccurrenceIndex:
    prepared = PreparedSources(spellings)
    return OccurrenceIndex(
        [prepared.source(source) for source in sources], prepared.text(text), prepared.spellings
    )


def brute_force(sources: list[list[int]], text: list[int]) -> dict[tuple[int, int], int]:
    """For each (source, position after an occurrence of the last token) the match's length."""
    found = {}
    for number, source in enumerate([*sources, text]):
        for end in range(1, len(source) + 1):
            if number == len(sources) and end == len(text):
                continue
            length = 0
            while (
                length < min(end, len(text), CONTEXT)
                and source[end - 1 - length] == text[-1 - length]
            ):
                length += 1
            if length:
                found[number, end] = length
    return found


def as_found(index: OccurrenceIndex, limit: int) -> dict[tuple[int, int], int]:
    numbered = (
        (bisect_right(index.starts, place - 1) - 1, place, length)
        for place, length in index.find(limit)
    )
    return {(number, place - index.starts[number]): length for number, place, length in numbered}


@settings(deadline=None)
@given(st.lists(few_tokens, max_size=3), texts, st.lists(few_tokens, max_size=4))
def test_it_finds_what_a_scan_finds(
    sources: list[list[int]], text: list[int], growth: list[list[int]]
) -> None:
    index = index_of(sources, text)
    for added in [[], *growth]:
        index.append(added)
        text = [*text, *added]
        assert as_found(index, 1000) == brute_force(sources, text)


@settings(deadline=None)
@given(
    st.lists(few_tokens, max_size=3),
    texts,
    st.lists(few_tokens, max_size=4),
    st.integers(1, 6),
)
def test_a_limit_is_kept_and_the_longest_come_first_then_the_latest(
    sources: list[list[int]], text: list[int], growth: list[list[int]], limit: int
) -> None:
    index = index_of(sources, text)
    for added in growth:
        index.append(added)
        text = [*text, *added]
    everything = brute_force(sources, text)
    found = as_found(index, limit)
    assert found.items() <= everything.items()
    assert len(found) == min(limit, len(everything))
    keys = [(length, place) for place, length in index.find(limit)]
    assert keys == sorted(keys, reverse=True)


def test_the_longest_match_is_found_among_more_than_the_limit() -> None:
    rare, common = [1, 2, 3, 9], [7, 3, 8]
    index = index_of([rare, *[common] * 50], [1, 2, 3])
    found = index.find(4)
    assert [length for _, length in found] == [3, 1, 1, 1]
    places = [place for place, _ in found[1:]]
    assert places == sorted(places, reverse=True)


@settings(deadline=None)
@given(
    st.lists(few_tokens, max_size=3),
    texts,
    st.lists(st.integers(0, 3), max_size=4),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
def test_other_spellings_are_found_where_they_stand(
    sources: list[list[int]], text: list[int], added: list[int], spellings: list[int]
) -> None:
    index = index_of(sources, text, spellings)
    index.append(added)
    last = [*text, *added][-1]
    places = {
        place + 1
        for place, token in enumerate(index.tokens[: len(index.tokens) - len(added)])
        if token >= 0 and token != last and spellings[token] == spellings[last]
    }
    assert set(index.find_alike(1000)) == places
    assert set(index.find_alike(2)) <= places


def test_ids_beyond_a_million_are_told_apart() -> None:
    large = 1 << 20
    index = index_of([[5 + large, 6], [5, 7]], [5])
    assert as_found(index, 10) == {(1, 1): 1}
