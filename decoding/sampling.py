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

from quoth.errors import ConfigError

_MAX_SEED = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is taken from the logits; temperature 0 is greedy.

    Temperature is applied first, then `top_k` (0: all), then `top_p`, as Hugging Face does.

    Raises:
        ConfigError: A value is out of range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ConfigError(f"temperature is {self.temperature}; it must be 0 (greedy) or above.")
        if not isinstance(self.top_k, int) or self.top_k < 0:
            raise ConfigError(
                f"top_k is {self.top_k!r}; it must be an integer: 0 (all tokens) or above."
            )
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}; it must be above 0 and at most 1.")
        if not isinstance(self.seed, int) or not 0 <= self.seed < _MAX_SEED:
            raise ConfigError(f"seed is {self.seed!r}; it must be an integer from 0 to 2**64 - 1.")

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
        ValueError: No token is possible (every logit is -inf, or one is NaN).
    """
    weights = _weights(logits.astype(np.float64) / sampling.temperature, sampling)
    cumulative = np.cumsum(weights)
    total = cumulative[-1]
    if not total > 0:  # also NaN
        raise ValueError(
            f"no token can be sampled at output position {position}: every logit is -inf, or one "
            f"is NaN; check the logits processors"
        )
    target = uniform(sampling.seed, position) * total
    index = int(np.searchsorted(cumulative, target, side="right"))
    return min(index, int(np.flatnonzero(weights)[-1]))


def _weights(scaled: NDArray[np.float64], sampling: Sampling) -> NDArray[np.float64]:
    """Unnormalised probabilities of the tokens that top-k and top-p leave; 0 for all others."""
    if 0 < sampling.top_k < len(scaled):
        kth = np.partition(scaled, -sampling.top_k)[-sampling.top_k]
        scaled = np.where(scaled < kth, -np.inf, scaled)
    peak = scaled.max()
    weights: NDArray[np.float64] = np.exp(scaled - peak) if np.isfinite(peak) else np.zeros(1)
    if sampling.top_p < 1:
        order = np.argsort(-weights, kind="stable")
        before = np.cumsum(weights[order])
        before = np.concatenate(([0.0], before[:-1])) / before[-1]
        weights[order[before >= sampling.top_p]] = 0.0
    return weights
