"""Two rankings become one, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.retrieval.fusion import by_rank, by_score

keys = st.integers(0, 30)


def ranking(values: dict[int, float]) -> list[tuple[int, float]]:
    return sorted(values.items(), key=lambda hit: (-hit[1], hit[0]))


cosines = st.dictionaries(keys, st.integers(-64, 64).map(lambda n: n / 64), max_size=20).map(
    ranking
)
words = st.dictionaries(keys, st.integers(1, 500).map(lambda n: n / 16), max_size=20).map(ranking)


@given(cosines, words)
def test_fusion_holds_each_passage_once_and_is_ordered(dense, lexical) -> None:
    for fused in (by_rank((dense, lexical)), by_score(dense, lexical)):
        assert sorted(key for key, _ in fused) == sorted({key for key, _ in dense + lexical})
        assert fused == ranking(dict(fused))


@given(cosines, words)
def test_what_both_sides_prefer_comes_first(dense, lexical) -> None:
    first, second = dict(dense), dict(lexical)
    for fuse in (lambda a, b: by_rank((a, b)), by_score):
        fused = dict(fuse(dense, lexical))
        for a in first.keys() & second.keys():
            for b in first.keys() & second.keys():
                if first[a] > first[b] and second[a] > second[b]:
                    assert fused[a] >= fused[b]


@given(cosines)
def test_one_side_alone_keeps_its_order(dense) -> None:
    assert [key for key, _ in by_rank((dense, []))] == [key for key, _ in dense]
    scores = dict(dense)
    order = [scores[key] for key, _ in by_score(dense, [])]
    assert order == sorted(order, reverse=True)


@given(cosines, words, st.permutations(range(31)))
def test_the_names_of_the_passages_do_not_matter(dense, lexical, names) -> None:
    renamed = [[(names[key], score) for key, score in side] for side in (dense, lexical)]
    for fuse in (lambda a, b: by_rank((a, b)), by_score):
        expected = {names[key]: score for key, score in fuse(dense, lexical)}
        assert dict(fuse(*renamed)) == pytest.approx(expected)


def test_ranks_are_worth_what_cormack_says() -> None:
    assert dict(by_rank(([(7, 0.9), (8, 0.5)], [(8, 3.0)]))) == {
        7: 1 / 61,
        8: 1 / 62 + 1 / 61,
    }


def test_the_only_passage_with_the_word_stands_out() -> None:
    dense = [(key, 0.9 - key / 100) for key in range(100)]
    assert by_score(dense, [(99, 4.0)])[0][0] == 99
    assert by_rank((dense, [(99, 4.0)]))[0][0] == 99
