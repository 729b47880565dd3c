"""Two rankings of the same passages made into one. Pure functions; ties go to the smaller id."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

Ranking = Sequence[tuple[int, float]]  # ids and scores, best first
RANK_CONSTANT = 60


def by_rank(rankings: Iterable[Ranking], constant: int = RANK_CONSTANT) -> list[tuple[int, float]]:
    """Reciprocal rank fusion: the sum of 1 / (constant + rank) over the rankings.

    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods" (SIGIR 2009). What a passage scored does not matter, only its place.
    """
    fused: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, (key, _) in enumerate(ranking, start=1):
            fused[key] += 1 / (constant + rank)
    return best_first(fused.items())


def best_first(scored: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Ids by score, the largest first, equal ones by id."""
    return sorted(scored, key=lambda hit: (-hit[1], hit[0]))
