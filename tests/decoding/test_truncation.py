"""Truncation keeps the sets of Hugging Face's warpers, in small vocabularies and in large ones."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from quoth.decoding.sampling import Sampling, distribution, sample, uniform

LARGE = 24_000
logits = st.lists(st.integers(-40, 40).map(lambda n: n / 4), min_size=2, max_size=60)


def dense(row: np.ndarray, sampling: Sampling) -> np.ndarray:
    """The probability of every token of the vocabulary."""
    left = distribution(row, sampling)
    weights = np.zeros(len(row))
    weights[slice(None) if left.tokens is None else left.tokens] = left.weights
    return weights / weights.sum()


def hugging_face(row: np.ndarray, sampling: Sampling) -> np.ndarray:
    """The same by the warpers of transformers, in the order of its `generate`; in float64."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(float(sampling.temperature))])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p > 0:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    scores = warpers(torch.zeros(1, 0, dtype=torch.long), torch.tensor(row).double()[None])
    return scores[0].softmax(-1).numpy()


@settings(max_examples=300, deadline=None)
@given(
    logits,
    st.sampled_from([0.3, 0.7, 1.0, 1.9]),
    st.sampled_from([0, 1, 3, 10, 100]),
    st.sampled_from([1.0, 0.97, 0.7, 0.31, 0.02]),
    st.sampled_from([0.0, 0.013, 0.11, 0.53, 1.0]),
)
def test_small_rows_give_the_distribution_of_hugging_face(row, temperature, top_k, top_p, min_p):
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    scores = np.array(row, dtype=np.float32)
    before = Sampling(temperature=temperature, top_k=top_k)
    assume(top_p == 1 or nucleus_is_clear(dense(scores, before), top_p))
    np.testing.assert_allclose(
        dense(scores, sampling), hugging_face(scores, sampling), rtol=1e-6, atol=1e-12
    )


def nucleus_is_clear(probabilities: np.ndarray, top_p: float) -> bool:
    """Whether neither rounding nor the order of equal tokens decides what is in the nucleus."""
    ordered = np.sort(probabilities[probabilities > 0])[::-1]
    sums = np.cumsum(ordered)
    last = int(np.searchsorted(sums, top_p))
    is_tie = last + 1 < len(ordered) and np.isclose(ordered[last], ordered[last + 1])
    return not is_tie and np.abs(sums - top_p).min() > 1e-9


def large_rows() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(5)
    flat = chance.normal(0, 1, LARGE).astype(np.float32)
    peaked = chance.normal(0, 2, LARGE).astype(np.float32)
    peaked[chance.integers(0, LARGE, 40)] += np.linspace(5, 16, 40, dtype=np.float32)
    rows = {"flat": flat, "peaked": peaked, "equal": np.zeros(LARGE, dtype=np.float32)}
    rows["with ties"] = np.round(flat * 2) / 2
    rows["bfloat16"] = torch.tensor(peaked).bfloat16().float().numpy()
    rows["mostly forbidden"] = np.where(chance.random(LARGE) < 0.9, -np.inf, flat)
    rows["nearly equal"] = (flat * 1e-4).astype(np.float32)
    return rows


LARGE_ROWS = large_rows()


def sorted_through(row: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Truncation as its definition reads: sort everything, ties by token id."""
    scaled = (row.astype(np.float64) - row.max()) / sampling.temperature
    weights = np.exp(scaled)
    if sampling.top_k:
        weights[row < np.sort(row)[-sampling.top_k]] = 0
    if sampling.top_p < 1:
        order = np.argsort(-weights, kind="stable")
        before = np.cumsum(weights[order]) - weights[order]
        weights[order[before >= sampling.top_p * weights.sum()]] = 0
    weights[weights < sampling.min_p] = 0
    return weights / weights.sum()


@pytest.mark.parametrize("name", sorted(LARGE_ROWS))
@pytest.mark.parametrize("top_k", [0, 1, 50, 2000, LARGE])
@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.4, 1e-6])
def test_large_rows_are_cut_as_if_they_were_sorted(name, top_k, top_p):
    for min_p in (0.0, 0.02):
        sampling = Sampling(temperature=0.9, top_k=top_k, top_p=top_p, min_p=min_p)
        expected, found = (
            sorted_through(LARGE_ROWS[name], sampling),
            dense(LARGE_ROWS[name], sampling),
        )
        differing = np.flatnonzero((found > 0) != (expected > 0))
        assert len(differing) <= 1, "the sums round differently, at one token at most"
        if len(differing):
            found[differing] = expected[differing] = 0
            found, expected = found / found.sum(), expected / expected.sum()
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("name", sorted(LARGE_ROWS))
@pytest.mark.parametrize("cut", [{}, {"top_k": 400}, {"top_p": 0.9}, {"min_p": 0.1}])
def test_a_large_row_is_inverted_as_a_small_one(name, cut):
    """Sums by blocks find the token that one cumulative sum finds."""
    row = LARGE_ROWS[name]
    for position in range(20):
        sampling = Sampling(temperature=0.9, seed=position, **cut)
        token = sample(row, sampling, position)
        cumulative = np.cumsum(dense(row, sampling))
        target = uniform(position, position)
        assert cumulative[token] >= target - 1e-9
        assert token == 0 or cumulative[token - 1] <= target + 1e-9
        assert dense(row, sampling)[token] > 0


def test_a_temperature_next_to_nothing_leaves_the_best_token():
    row = np.array([3.0, -2.0, 3.5, 0.0], dtype=np.float32)
    for temperature in (1e-300, 5e-324, 1e-9):
        assert sample(row, Sampling(temperature=temperature, seed=3), 0) == 2
