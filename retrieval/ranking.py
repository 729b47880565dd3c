"""From a question to ranked passage ids: by meaning, by words, or by both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quoth.retrieval.bm25 import LexicalSearch
from quoth.retrieval.fusion import Ranking, by_rank
from quoth.retrieval.live_vectors import LiveVectors
from quoth.retrieval.search_options import SearchOptions
from quoth.retrieval.vectors import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Passage ids by score, and where each side put them."""

    fused: Ranking
    dense: Mapping[int, tuple[int, float]]  # rank from 1, and cosine
    lexical: Mapping[int, tuple[int, float]]  # rank from 1, and BM25
    is_all: bool  # whether a greater depth would find nothing more


class Ranker:
    """Asks both sides and fuses what they say."""

    def __init__(self, vectors: LiveVectors, words: LexicalSearch) -> None:
        self._vectors = vectors
        self._words = words

    def rank(
        self, query: str, vector: Vectors | None, depth: int, options: SearchOptions
    ) -> Ranked:
        """The best `depth` passages of each side; `vector` is that of the query, unit length."""
        dense = self._vectors.search(vector, depth) if vector is not None else []
        lexical = [] if options.mode == "dense" else self._words.search(query, depth)
        sides = [side for side in (dense, lexical) if side]
        fused = by_rank(sides) if options.mode == "hybrid" else [*dense, *lexical]
        return Ranked(
            fused=fused,
            dense=_places(dense),
            lexical=_places(lexical),
            is_all=all(len(side) < depth for side in sides),
        )


def _places(ranking: Sequence[tuple[int, float]]) -> dict[int, tuple[int, float]]:
    return {key: (rank, score) for rank, (key, score) in enumerate(ranking, start=1)}
