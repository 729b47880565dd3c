"""The index of occurrences against a scan that tries every place."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.decoding.drafting.occurrences import CONTEXT, OccurrenceIndex, cut

few_tokens = st.lists(st.integers(0, 3), max_size=30)
texts = st.lists(st.integers(0, 3), min_size=1, max_size=20)


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
    occurrences = index.find(limit)
    rows = zip(occurrences.places.tolist(), occurrences.lengths.tolist(), strict=True)
    numbered = ((index.source_at(place - 1), place, length) for place, length in rows)
    return {(number, place - index.starts[number]): length for number, place, length in numbered}


@settings(deadline=None)
@given(st.lists(few_tokens, max_size=3), texts, st.lists(few_tokens, max_size=4))
def test_it_finds_what_a_scan_finds(
    sources: list[list[int]], text: list[int], growth: list[list[int]]
) -> None:
    index = OccurrenceIndex(sources, text)
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
    index = OccurrenceIndex(sources, text)
    for added in growth:
        index.append(added)
        text = [*text, *added]
    everything = brute_force(sources, text)
    found = as_found(index, limit)
    assert found.items() <= everything.items()
    assert len(found) == min(limit, len(everything))
    occurrences = index.find(limit)
    keys = list(zip(occurrences.lengths.tolist(), occurrences.places.tolist(), strict=True))
    assert keys == sorted(keys, reverse=True)


def test_the_longest_match_is_found_among_more_than_the_limit() -> None:
    rare, common = [1, 2, 3, 9], [7, 3, 8]
    index = OccurrenceIndex([rare, *[common] * 50], [1, 2, 3])
    assert index.find(4).lengths.tolist() == [3, 1, 1, 1]
    assert index.find(4).places.tolist()[1:] == sorted(index.find(4).places.tolist()[1:])[::-1]


@settings(deadline=None)
@given(st.lists(few_tokens, max_size=3), texts, st.data())
def test_what_follows_ends_where_its_source_ends(
    sources: list[list[int]], text: list[int], data: st.DataObject
) -> None:
    index = OccurrenceIndex(sources, text)
    for place in (occurrences := index.find(100)).places.tolist():
        number = index.source_at(place - 1)
        source, start = [*sources, text][number], place - index.starts[number]
        wanted = data.draw(st.integers(0, 40))
        assert index.tokens(place, place + wanted) == source[start : start + wanted]
    for place, follows in zip(
        occurrences.places.tolist(), index.following(occurrences.places, 12), strict=True
    ):
        assert cut(follows) == index.tokens(place, place + 12)


def test_ids_beyond_a_million_are_told_apart() -> None:
    large = 1 << 20
    index = OccurrenceIndex([[5 + large, 6], [5, 7]], [5])
    assert as_found(index, 10) == {(1, 1): 1}
