"""Measures of one ranking against judgements, and what they come to over many. Pure functions.

A ranking is document ids, best first, each once. Judgements give documents their grades; a grade
of zero or less, and no grade, mean not relevant. The definitions are those of trec_eval.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

Grades = Mapping[str, float]
_T = TypeVar("_T")


def ndcg(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of the first `k`.

    The gain of a document is its grade, as in trec_eval's `ndcg_cut` and in BEIR, and not
    `2 ** grade - 1`; its discount is `log2(rank + 1)`. Without relevant documents it is 0.

    Example:
        >>> ndcg(["b", "x", "a"], {"a": 3, "b": 1}, 10)  # (1/1 + 3/2) / (3/1 + 1/log2(3))
        0.688...
    """
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    ideal = _discounted(best[:k])
    return _discounted([grades.get(one, 0.0) for one in ranking[:k]]) / ideal if ideal else 0.0


def recall(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """The share of the relevant documents that is among the first `k`; 0 if there are none."""
    wanted = relevant(grades)
    return len(wanted.intersection(ranking[:k])) / len(wanted) if wanted else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """1 / the rank of the first relevant document among the first `k`; 0 if none is there."""
    rank = first_rank(ranking[:k], grades)
    return 1 / rank if rank else 0.0


def first_rank(ranking: Sequence[str], grades: Grades) -> int | None:
    """The rank, from 1, of the first relevant document; None if it is not in the ranking."""
    wanted = relevant(grades)
    return next((rank for rank, one in enumerate(ranking, start=1) if one in wanted), None)


def relevant(grades: Grades) -> set[str]:
    """The documents with a grade above zero."""
    return {one for one, grade in grades.items() if grade > 0}


def first_of_each(ids: Sequence[_T]) -> list[_T]:
    """Each id where it comes first: a document ranks as its best passage does."""
    return list(dict.fromkeys(ids))


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Where the mean may lie: percentiles of the means of samples drawn with replacement.

    The queries are what is drawn (Sakai 2006), so the interval says how far another set of
    questions of the same kind might be off; it knows nothing of faults in the judgements.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    given = np.asarray(values, dtype=np.float64)
    chance = np.random.default_rng(seed)
    means = [given[chance.integers(0, len(given), len(given))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson_interval(hits: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Where a share of `hits` in `n` may lie (Wilson 1927); with this `z`, in 95 of 100 cases.

    Unlike the plain normal interval it stays within 0 and 1, and has a width where none or all hit.

    Example:
        >>> wilson_interval(8, 10)
        (0.490..., 0.943...)
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"not a share: {hits} of {n}")
    share, scale = hits / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _discounted(gains: Sequence[float]) -> float:
    return sum(max(gain, 0.0) / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
