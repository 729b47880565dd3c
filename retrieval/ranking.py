"""From a question to ranked passage ids: by meaning, by words, or by both."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np

from quoth.retrieval.bm25 import Ids, LexicalSearch
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.filters import Filters, passage_ids
from quoth.retrieval.fusion import Ranking, best_first, by_rank, by_score
from quoth.retrieval.search_options import SearchOptions
from quoth.retrieval.vector_store import VectorStore
from quoth.retrieval.vectors import Vectors

_FEW = 2000  # passages that pass a filter are compared one by one, whatever the kind of index
_FILTERS_KEPT = 8

Place = tuple[int, float]  # rank from 1, and score


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for, and where. `vector` has unit length [dim]; None asks for words only."""

    text: str
    vector: Vectors | None
    filters: Filters
    options: SearchOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Passage ids by score, and where each side put them."""

    fused: Ranking
    dense: Mapping[int, Place]  # score: cosine
    lexical: Mapping[int, Place]  # score: BM25
    is_all: bool  # whether a greater depth would find nothing more


class Ranker:
    """Asks both sides and fuses what they say."""

    def __init__(self, store: DocStore, vectors: VectorStore) -> None:
        self._store = store
        self._vectors = vectors
        self._words = LexicalSearch(store.database)
        self._passing: OrderedDict[tuple[Filters, int], Ids] = OrderedDict()  # least used first
        self._lock = Lock()

    def rank(self, question: Question, depth: int) -> Ranked:
        """The best `depth` passages of each side, fused."""
        among = self._among(question.filters) if question.filters else None
        mode = question.options.mode
        dense = [] if mode == "lexical" else self._dense(question.vector, depth, among)
        lexical = [] if mode == "dense" else self._words.search(question.text, depth, among)
        return Ranked(
            fused=_fused(dense, lexical, question.options),
            dense=_places(dense),
            lexical=_places(lexical),
            is_all=max(len(dense), len(lexical)) < depth,
        )

    def _dense(self, vector: Vectors | None, depth: int, among: Ids | None) -> Ranking:
        if vector is None:
            raise ValueError("a search by meaning needs the vector of the question")
        if among is None or len(among) > _FEW:
            return self._vectors.search(vector, depth, among)
        ids, rows = self._store.vectors.of(among.tolist(), dim=len(vector))
        return best_first(zip(ids.tolist(), (rows @ vector).tolist(), strict=True))[:depth]

    def _among(self, filters: Filters) -> Ids:
        """The passages that pass, ascending; kept while the index does not change."""
        database = self._store.database
        key = (filters, database.generation())
        with self._lock:
            if key in self._passing:
                self._passing.move_to_end(key)
                return self._passing[key]
        rows = database.rows(*passage_ids(filters))
        ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
        with self._lock:
            self._passing[key] = ids
            while len(self._passing) > _FILTERS_KEPT:
                self._passing.popitem(last=False)
        return ids


def _fused(dense: Ranking, lexical: Ranking, options: SearchOptions) -> Ranking:
    if options.mode != "hybrid":
        return [*dense, *lexical]
    return by_score(dense, lexical) if options.fusion == "score" else by_rank((dense, lexical))


def _places(ranking: Ranking) -> dict[int, Place]:
    return {key: (rank, score) for rank, (key, score) in enumerate(ranking, start=1)}
