"""Two rankings of the same passages made into one. Pure functions; ties go to the smaller id."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean, pstdev

Ranking = Sequence[tuple[int, float]]  # ids and scores, best first
RANK_CONSTANT = 60
DENSE_WEIGHT = 0.65
"""Of the scores by meaning. Measured (docs/log.md): abstracts do as well with 0.4 to 0.7, code best
with 0.5, questions on filings with 0.65."""


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


def by_score(dense: Ranking, lexical: Ranking) -> list[tuple[int, float]]:
    """The weighted mean of both scores, each side's brought to mean 0 and deviation 1 first.

    How far a passage stands out counts, which its rank does not say (Bruch, Gai and Ingber, "An
    Analysis of Fusion Functions for Hybrid Retrieval", arXiv 2210.11934). A passage that a side
    does not hold counts as its last one; where the words of the question stand in few passages,
    that is one without any, so that those few stand out.
    """
    wordless = max(0, len(dense) - len(lexical))
    weighed = ((dense, 0, DENSE_WEIGHT), (lexical, wordless, 1 - DENSE_WEIGHT))
    sides = [(*_standardised(side, zeros), weight) for side, zeros, weight in weighed if side]
    total = sum(weight for _, _, weight in sides)
    keys = {key for scores, _, _ in sides for key in scores}
    return best_first(
        (key, sum(weight / total * s.get(key, least) for s, least, weight in sides)) for key in keys
    )


def best_first(scored: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Ids by score, the largest first, equal ones by id."""
    return sorted(scored, key=lambda hit: (-hit[1], hit[0]))


def _standardised(ranking: Ranking, zeros: int) -> tuple[dict[int, float], float]:
    """The scores in standard deviations from their mean, as many zeros among them; the least."""
    scores = [score for _, score in ranking] + [0.0] * zeros
    mean = fmean(scores)
    deviation = pstdev(scores, mean) or 1.0
    standard = {key: (score - mean) / deviation for key, score in ranking}
    return standard, (min(scores) - mean) / deviation
