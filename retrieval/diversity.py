"""Fewer passages that say the same: maximal marginal relevance. Pure functions."""

from collections.abc import Sequence

import numpy as np

from quoth.retrieval.embedder import Vectors


def diverse_order(
    scores: Sequence[float],
    vectors: Vectors,  # [N, dim], unit length
    diversity: float,
    k: int,
) -> list[int]:
    """Which `k` of N passages to take, in this order: good ones that are unlike those before.

    Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
    producing summaries" (SIGIR 1998), with lambda = 1 - `diversity`. The scores, brought to 0 to 1,
    stand for the similarity to the question; ties go to the earlier passage.
    """
    values = np.asarray(scores, dtype=np.float64)
    spread = np.ptp(values) if len(values) else 0.0
    relevance = (values - values.min()) / spread if spread else np.ones(len(values))
    nearest = np.zeros(len(values))  # similarity to the most similar passage taken
    left = np.ones(len(values), dtype=np.bool_)
    order: list[int] = []
    while left.any() and len(order) < k:
        worth = (1 - diversity) * relevance - diversity * nearest
        worth[~left] = -np.inf
        best = int(np.argmax(worth))
        order.append(best)
        left[best] = False
        likeness = (vectors @ vectors[best]).astype(np.float64)
        nearest = likeness if len(order) == 1 else np.maximum(nearest, likeness)
    return order
