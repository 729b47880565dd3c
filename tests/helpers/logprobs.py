"""Comparing log-probabilities: to the bit where passes give equal bits, closely elsewhere."""

from collections.abc import Sequence

import pytest

from quoth.decoding import TokenLogprob

Logprobs = Sequence[TokenLogprob] | None


FLOAT32 = 1e-4  # in other passes, other bits
FORKED_BFLOAT16 = 0.1  # keys of a forked draft lie elsewhere: sums over them may round differently


def assert_same_logprobs(found: Logprobs, expected: Logprobs, *, within: float) -> None:
    """Equal, or `within`; then alternatives that are nearly tied may have changed places."""
    if not within or found is None or expected is None:
        assert found == expected
        return
    assert [each.token_id for each in found] == [each.token_id for each in expected]
    for one, other in zip(found, expected, strict=True):
        values = [one.logprob, *(value for _, value in one.top)]
        others = [other.logprob, *(value for _, value in other.top)]
        assert values == pytest.approx(others, abs=within)
