"""The measures against examples worked by hand, and against properties that must hold."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.evaluating.measures import (
    bootstrap_interval,
    first_of_each,
    first_rank,
    ndcg,
    recall,
    reciprocal_rank,
)

IDS = st.sampled_from("abcdefghij")
GRADES = st.dictionaries(IDS, st.integers(-1, 4))
RANKINGS = st.lists(IDS, unique=True)


def test_ndcg_has_linear_gains() -> None:
    """trec_eval (by pytrec_eval-terrier 0.5.11) gives the last number."""
    grades = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}
    gained = 2 / math.log2(2) + 0 / math.log2(3) + 3 / math.log2(4) + 1 / math.log2(6)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["b", "d", "a", "x", "c"], grades, 10) == pytest.approx(gained / ideal)
    assert ndcg(["b", "d", "a", "x", "c"], grades, 10) == pytest.approx(0.8162468467211516)


def test_ndcg_looks_at_k_documents_also_in_the_ideal() -> None:
    grades = dict.fromkeys("abc", 1.0)
    assert ndcg(["a", "b"], grades, 2) == 1
    assert ndcg(["x", "a"], grades, 2) == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert ndcg(["x", "a"], grades, 1) == 0


def test_recall_and_reciprocal_rank() -> None:
    grades = {"a": 1.0, "b": 2.0, "c": 0.0, "d": -1.0}
    assert recall(["c", "a", "b"], grades, 2) == 0.5
    assert recall(["c", "a", "b"], grades, 3) == 1
    assert reciprocal_rank(["d", "c", "b"], grades, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["d", "c", "b"], grades, 2) == 0
    assert first_rank(["d", "c"], grades) is None


def test_a_document_ranks_as_its_best_passage() -> None:
    assert first_of_each(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]


@given(RANKINGS, GRADES, st.integers(1, 12))
def test_measures_lie_between_nothing_and_one(ranking, grades, k) -> None:
    for measure in (ndcg, recall, reciprocal_rank):
        assert 0 <= measure(ranking, grades, k) <= 1 + 1e-12


@given(RANKINGS, GRADES)
def test_only_the_ideal_ranking_has_an_ndcg_of_one(ranking, grades) -> None:
    ideal = sorted(grades, key=lambda one: -grades[one])
    best = ndcg(ideal, grades, 10)
    assert best == pytest.approx(1 if any(grade > 0 for grade in grades.values()) else 0)
    assert ndcg(ranking, grades, 10) <= best + 1e-12


@given(RANKINGS, GRADES, st.integers(1, 12))
def test_recall_grows_with_k(ranking, grades, k) -> None:
    assert recall(ranking, grades, k) <= recall(ranking, grades, k + 1)


def test_the_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    few, many = [0.0, 1.0] * 10, [0.0, 1.0] * 500
    low, high = bootstrap_interval(few)
    assert low < 0.5 < high
    narrow = bootstrap_interval(many)
    assert narrow[1] - narrow[0] < (high - low) / 3
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(20), rel=0.15)
    assert bootstrap_interval(few) == (low, high)  # the same every time
    assert bootstrap_interval([0.7] * 5) == pytest.approx((0.7, 0.7))
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([])
