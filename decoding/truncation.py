"""Truncation of a distribution: top-k, top-p, min-p, with the sets of Hugging Face's warpers.

A vocabulary of 150,000 tokens is never sorted. Groups of logits give a bound below which no token
can be among the top k; tokens that are too unlikely for the nucleus are dropped before anything is
put in order; and of a broad nucleus only the tokens around its border are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MIN_GROUPS = 1024  # of logits, whose maxima bound the k-th largest one
_GROUPS_PER_K = 4
_SORTED_AT_ONCE = 4096  # so many weights are sorted faster than the border of the nucleus is found
_BIN_BITS = 46  # of a weight's 64 bits that do not count: 64 bins for each power of two
_BLOCK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated:
    """What may be sampled: tokens in ascending order, None for all, and what each weighs.

    Weights are unnormalised probabilities: 1 for the most likely token, 0 for one that is cut off.
    """

    tokens: NDArray[np.intp] | None
    weights: NDArray[np.float64]


def truncated(
    logits: NDArray[np.float32],  # [V]
    *,
    peak: float,
    temperature: float,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
) -> Truncated:
    """Temperature, then top-k, top-p and min-p; `peak` is the largest logit, and finite."""
    tokens: NDArray[np.intp] | None = None
    if 0 < top_k < len(logits):
        tokens = _top_k(logits, top_k)
        logits = logits[tokens]
    weights: NDArray[np.float64] = np.subtract(logits, peak, dtype=np.float64)
    with np.errstate(over="ignore"):  # next to 0, a temperature leaves only the best
        weights /= temperature
    np.exp(weights, out=weights)
    if top_p < 1:
        weights *= _is_in_nucleus(weights, top_p)
    if min_p > 0:
        weights *= weights >= min_p
    return Truncated(tokens=tokens, weights=weights)


def _top_k(logits: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Tokens whose logits are not below the k-th largest; more than k where there are ties."""
    groups = max(_MIN_GROUPS, _GROUPS_PER_K * k)
    size = len(logits) // groups
    bound = np.float32(-np.inf)
    if size > 1:  # k maxima of groups are k logits: the k-th largest logit is not below them
        maxima = logits[: size * groups].reshape(size, groups).max(axis=0)
        bound = np.partition(maxima, groups - k)[groups - k]
    tokens = np.flatnonzero(logits >= bound)
    values = logits[tokens]
    kth = np.partition(values, len(values) - k)[len(values) - k]
    kept: NDArray[np.intp] = tokens[values >= kth]
    return kept


def _is_in_nucleus(
    weights: NDArray[np.float64],  # [n], the largest is 1
    share: float,
) -> NDArray[np.bool_]:  # [n]
    """Which are the fewest largest weights whose sum reaches `share` of all; ties by index.

    A weight is one of them if those before it, in descending order, sum to less than that.
    """
    total = float(weights.sum())
    # Weights below this bound sum to less than half of what may be left out; the other half is
    # for rounding.
    bound = 0.5 * (1 - share) * total / len(weights)
    found: NDArray[np.bool_] = weights >= bound
    if np.count_nonzero(found) <= _SORTED_AT_ONCE:
        surely, border = 0.0, np.flatnonzero(found)
        found[border] = False
    else:
        low, high, surely = _border(weights, share * total, bound)
        found = weights >= high
        border = np.flatnonzero((weights >= low) & ~found)
    found[border[_leaders(weights[border], share * total - surely)]] = True
    return found


def _border(
    weights: NDArray[np.float64], needed: float, bound: float
) -> tuple[float, float, float]:
    """Between which weights the sum of the largest ones reaches `needed`, and the sum above.

    The leading bits of a positive float, read as an integer, ascend with it: they are its bin. All
    weights below `bound` go to the last one. Blocks keep what is allocated in the fast caches.
    """
    top, last = _bin(1.0), _bin(bound)
    sums = np.zeros(top - last + 1)  # by bin, the largest weights first
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        bins = top - np.maximum(block.view(np.int64) >> _BIN_BITS, last)
        sums += np.bincount(bins, weights=block, minlength=len(sums))
    reached = np.cumsum(sums)
    steps = min(int(np.searchsorted(reached, needed, side="left")), top - last)
    low = 0.0 if steps == top - last else _edge(top - steps)
    return low, _edge(top - steps + 1), float(reached[steps - 1]) if steps else 0.0


def _bin(weight: float) -> int:
    return int(np.float64(weight).view(np.int64)) >> _BIN_BITS


def _edge(number: int) -> float:
    """The smallest weight of a bin."""
    return float(np.int64(number << _BIN_BITS).view(np.float64))


def _leaders(weights: NDArray[np.float64], needed: float) -> NDArray[np.intp]:
    """Indices of the largest weights, best first, while those before sum to less than `needed`."""
    order = np.argsort(-weights, kind="stable")
    before = np.cumsum(weights[order])
    count = 1 + int(np.searchsorted(before[:-1], needed, side="left"))
    return order[:count]
