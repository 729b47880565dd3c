"""Micro-batches are bounded, nearly full, and the same whenever they are asked for."""

import random
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding.training.curriculum import Batches, pack, padded_width


@dataclass(frozen=True)
class _Row:
    token_ids: tuple[int, ...]


def _draw(most: int, rng: random.Random) -> _Row:
    return _Row((rng.randrange(99),) * rng.randint(1, most))


def _batches(seed: str = "0", *, max_padded: int = 1024, max_tokens: int = 512) -> Batches[_Row]:
    parts = [(20, partial(_draw, 200)), (13, partial(_draw, 600))]
    return Batches(parts, seed=seed, max_padded=max_padded, max_tokens=max_tokens)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_packing_loses_nothing_and_keeps_the_bound(lengths: list[int]) -> None:
    rows = [_Row((0,) * length) for length in sorted(lengths)]
    packed = pack(rows, max_padded=512)
    assert [row for batch in packed for row in batch] == rows
    for batch in packed:
        assert len(batch) * padded_width(max(len(row.token_ids) for row in batch)) <= 512


def test_micro_batches_are_bounded_and_nearly_full() -> None:
    batches = _batches()
    assert len(batches) == 33
    drawn = [batches[step] for step in range(len(batches))]
    sizes = [len(b) * padded_width(max(len(row.token_ids) for row in b)) for b in drawn]
    assert max(sizes) <= 1024
    assert sum(sizes) / len(sizes) > 800
    assert max(len(row.token_ids) for batch in drawn for row in batch) <= 512


def test_a_step_has_the_same_batch_in_any_order() -> None:
    batches = _batches()
    forwards = [batches[step] for step in range(len(batches))]
    steps = list(range(len(batches)))
    random.Random(0).shuffle(steps)
    again = _batches()
    assert {step: again[step] for step in steps} == dict(enumerate(forwards))


def test_streams_differ() -> None:
    assert _batches("0:0")[0] != _batches("0:1")[0]


def test_there_is_no_step_behind_the_last() -> None:
    with pytest.raises(IndexError, match="step 33 of 33"):
        _batches()[33]


def test_items_that_never_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        _batches(max_padded=512, max_tokens=600)
