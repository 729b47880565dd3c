"""Sampling: keyed by seed and position, true to the distribution, cut as Hugging Face cuts."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from quoth.decoding.sampling import Sampling, sample, uniform

RECORDED = [0.011546754286331562, 0.5023796042735054, 0.8720734548204873]
rows = st.lists(st.integers(-32, 32).map(lambda n: n / 4), min_size=2, max_size=40, unique=True)


def test_the_random_numbers_are_those_of_philox_for_ever():
    """Recorded values: a seed must give the same text in every release."""
    assert [uniform(0, 0), uniform(0, 1), uniform(7, 0)] == RECORDED


def test_the_random_numbers_are_spread_evenly():
    drawn = np.array([uniform(seed, position) for seed in range(40) for position in range(250)])
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts, _ = np.histogram(drawn, bins=10, range=(0, 1))
    assert abs(counts - 1000).max() < 150  # five standard deviations


@settings(deadline=None)
@given(rows, st.integers(0, 2**64 - 1), st.integers(0, 10**6))
def test_a_token_is_where_the_cumulative_distribution_passes_the_number(logits, seed, position):
    row = np.array(logits, dtype=np.float32)
    token = sample(row, Sampling(temperature=1.0, seed=seed), position)
    weights = np.exp(row.astype(np.float64))
    cumulative = np.cumsum(weights) / weights.sum()
    target = uniform(seed, position)
    assert cumulative[token] >= target - 1e-12
    assert token == 0 or cumulative[token - 1] <= target + 1e-12


@settings(deadline=None)
@given(rows, st.floats(0.1, 3), st.integers(0, 10), st.floats(0.05, 0.99), st.integers(0, 1000))
def test_only_tokens_that_hugging_face_would_leave_are_taken(
    logits, temperature, top_k, top_p, seed
):
    row = np.array(logits, dtype=np.float32)
    scores = torch.tensor(row)[None]
    warpers = [TemperatureLogitsWarper(temperature)]
    warpers += [TopKLogitsWarper(top_k)] if top_k else []
    warpers += [TopPLogitsWarper(top_p + 1e-5)]  # a border token may round either way
    for warper in warpers:
        scores = warper(None, scores)
    token = sample(row, Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed), 3)
    assert scores[0, token] > -torch.inf


def test_a_sample_costs_one_number_however_it_is_cut():
    row = np.linspace(-1, 1, 50, dtype=np.float32)
    sharp = Sampling(temperature=1e-3, seed=1)
    assert {sample(row, sharp, position) for position in range(50)} == {49}
    assert sample(row, Sampling(temperature=5.0, top_k=1, seed=1), 0) == 49
    assert sample(row, Sampling(temperature=1.0, top_p=1e-9, seed=1), 0) == 49


def test_forbidden_tokens_are_never_taken():
    row = np.full(30, -np.inf, dtype=np.float32)
    row[[3, 17]] = 0.0
    drawn = {sample(row, Sampling(temperature=1.0, seed=seed), 0) for seed in range(60)}
    assert drawn == {3, 17}


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_a_row_without_a_possible_token_is_an_error(bad):
    with pytest.raises(ValueError, match="position 5"):
        sample(np.full(4, bad, dtype=np.float32), Sampling(temperature=1.0), 5)
