"""Comparing log-probabilities: to the bit where passes give equal bits, closely elsewhere."""

from collections.abc import Sequence

import pytest

from quoth.decoding import TokenLogprob

Logprobs = Sequence[TokenLogprob] | None


def assert_same_logprobs(found: Logprobs, expected: Logprobs, *, to_the_bit: bool) -> None:
    """Equal, or within 1e-4; then two alternatives that are nearly tied may have changed places."""
    if to_the_bit or found is None or expected is None:
        assert found == expected
        return
    assert [each.token_id for each in found] == [each.token_id for each in expected]
    for one, other in zip(found, expected, strict=True):
        values = [one.logprob, *(value for _, value in one.top)]
        assert values == pytest.approx(
            [other.logprob, *(value for _, value in other.top)], abs=1e-4
        )
