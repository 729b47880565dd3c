"""From a row of logits to a token: pure, and the same at any draft width.

Randomness is a function of (seed, output position), not of a generator's state: the uniform number
for position `i` is the first draw of Philox 4x64-10 (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", 2011) with the seed as key and `i` as counter. So a token costs one number however
it was reached, and an accelerated run draws the same ones as a plain run. The token is found by
inverting the cumulative distribution, in the order of token ids, in float64.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.checks import check_integer, check_number
from quoth.decoding.truncation import Truncated, truncated
from quoth.errors import NoTokenError

_MAX_SEED = 2**64
_BLOCK = 512  # weights are summed by blocks first: cumulative sums are slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is taken from the logits; temperature 0 is greedy.

    Temperature is applied first, then `top_k` (0: all), `top_p` (1: all) and `min_p` (0: all), as
    Hugging Face does.

    Raises:
        ConfigError: A value is out of range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        infinity = float("inf")
        is_heat = "0 (greedy) or a finite number above"
        check_number("temperature", self.temperature, lambda t: 0 <= t < infinity, is_heat)
        check_integer("top_k", self.top_k, lambda k: k >= 0, "0 (all tokens) or above")
        check_number("top_p", self.top_p, lambda p: 0 < p <= 1, "above 0 and at most 1")
        check_number("min_p", self.min_p, lambda p: 0 <= p <= 1, "from 0 (all tokens) to 1")
        check_integer("seed", self.seed, lambda seed: 0 <= seed < _MAX_SEED, "from 0 to 2**64 - 1")

    @property
    def is_greedy(self) -> bool:
        """Whether the most likely token is taken always."""
        return self.temperature == 0


def uniform(seed: int, position: int) -> float:
    """The random number in [0, 1) that belongs to one output position: 53 bits of Philox."""
    bits = np.random.Philox(key=seed, counter=position).random_raw()
    return (int(bits) >> 11) * 2.0**-53


def sample(
    logits: NDArray[np.float32],  # [V]
    sampling: Sampling,
    position: int,
) -> int:
    """Take the token for output position `position`, given that sampling is not greedy.

    Raises:
        NoTokenError: No token is possible: every logit is -inf, or one is NaN or +inf.
    """
    left = distribution(logits, sampling, position)
    index = _inverted(left.weights, uniform(sampling.seed, position))
    return index if left.tokens is None else int(left.tokens[index])


def distribution(
    logits: NDArray[np.float32],  # [V]
    sampling: Sampling,
    position: int = 0,
) -> Truncated:
    """The tokens that may be sampled, with their unnormalised probabilities.

    Raises:
        NoTokenError: As for `sample`.
    """
    peak = float(logits.max())  # NaN if there is one
    if not np.isfinite(peak):
        raise NoTokenError(position=position, best=peak)
    return truncated(
        logits,
        peak=peak,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        min_p=sampling.min_p,
    )


def _inverted(
    weights: NDArray[np.float64],  # [n], at least one above 0
    share: float,
) -> int:
    """The index at which the cumulative weights pass `share` of their sum."""
    blocks = np.cumsum(np.add.reduceat(weights, np.arange(0, len(weights), _BLOCK)))
    target = min(share * blocks[-1], np.nextafter(blocks[-1], 0))
    block = int(np.searchsorted(blocks, target, side="right"))
    before = blocks[block - 1] if block else 0.0
    inside = weights[block * _BLOCK : (block + 1) * _BLOCK]
    index = int(np.searchsorted(np.cumsum(inside), target - before, side="right"))
    # The two sums round differently: past the end stands for the last token that is possible.
    return block * _BLOCK + min(index, int(np.flatnonzero(inside)[-1]))
