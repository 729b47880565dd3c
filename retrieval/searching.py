"""From a question to passages: ranked, read again, made to differ, joined, as the options say."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from quoth.retrieval.diversity import diverse_order
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.joining import Found, join_neighbours
from quoth.retrieval.passage_texts import PassageTexts
from quoth.retrieval.ranking import Question, Ranked, Ranker
from quoth.retrieval.reports import SearchHit
from quoth.retrieval.rerank import Reranker, Rerankers
from quoth.retrieval.search_options import SearchOptions
from quoth.types import Passage

_TRIES = 5
_AT_ONCE = 50  # passages read from the database
_POOL = 5  # times as many passages as asked for are looked at to make them differ, or to join them


class Searcher:
    """Searches, from any thread, while the index changes."""

    def __init__(self, store: DocStore, ranker: Ranker) -> None:
        self._store = store
        self._ranker = ranker
        self._texts = PassageTexts(store)
        self._rerankers = Rerankers()

    def search(self, question: Question, k: int) -> list[SearchHit]:
        """The best `k` passages for a question."""
        options = question.options
        found = self._found(question, _pool(k, options))
        if options.rerank:
            found = _reranked(question.text, found, self._rerankers.get(options.rerank))
        if options.diversity:
            found = self._diverse(
                found, options.diversity, len(found) if options.join_tokens else k
            )
        if options.join_tokens:
            return join_neighbours(found, options.join_tokens, k)
        return [one.hit for one in found[:k]]

    def _found(self, question: Question, num: int) -> list[Found]:
        depth = max(num, question.options.depth)
        tries = _TRIES
        while True:
            ranked = self._ranker.rank(question, depth)
            found, is_complete = self._first(ranked, num)
            if is_complete and (len(found) == num or ranked.is_all):
                return found
            tries -= not is_complete
            if not tries:  # documents come and go faster than we look: what is certain is right
                return found
            depth *= 2 if is_complete else 1

    def _first(self, ranked: Ranked, num: int) -> tuple[list[Found], bool]:
        """The first `num` with different texts; and whether all that were looked at are there."""
        found: dict[str, Found] = {}
        is_complete = True
        for start in range(0, len(ranked.fused), _AT_ONCE):
            part = ranked.fused[start : start + _AT_ONCE]
            cut = self._texts.cut([passage_id for passage_id, _ in part])
            is_complete = is_complete and len(cut) == len(part)
            for passage_id, score in part:
                if passage_id not in cut:
                    continue
                passage, text = cut[passage_id]
                if first := found.get(passage.text):
                    found[passage.text] = _with_duplicate(first, passage)
                elif len(found) < num:
                    hit = _hit(ranked, passage, passage_id, score)
                    found[passage.text] = Found(hit=hit, text=text)
            if len(found) == num:
                break
        return list(found.values()), is_complete

    def _diverse(self, found: Sequence[Found], diversity: float, k: int) -> list[Found]:
        stored = self._store.passages.vectors([int(one.hit.passage.id) for one in found])
        there = [one for one in found if int(one.hit.passage.id) in stored]
        rows = [stored[int(one.hit.passage.id)] for one in there]
        vectors = np.frombuffer(b"".join(rows), dtype="<f4").reshape(len(there), -1)
        scores = [one.hit.score for one in there]
        return [there[place] for place in diverse_order(scores, vectors, diversity, k)]


def _pool(k: int, options: SearchOptions) -> int:
    if options.rerank:
        return max(k, options.rerank_depth)
    return _POOL * k if options.diversity or options.join_tokens else k


def _reranked(query: str, found: Sequence[Found], reranker: Reranker) -> list[Found]:
    texts = [f"{one.hit.passage.heading}\n{one.hit.passage.text}".strip() for one in found]
    scores = reranker.scores(query, texts)
    scored = sorted(zip(scores, found, strict=True), key=lambda pair: -pair[0])
    return [replace(one, hit=replace(one.hit, score=score)) for score, one in scored]


def _with_duplicate(first: Found, passage: Passage) -> Found:
    return replace(first, hit=replace(first.hit, duplicates=(*first.hit.duplicates, passage)))


def _hit(ranked: Ranked, passage: Passage, passage_id: int, score: float) -> SearchHit:
    dense_rank, cosine = ranked.dense.get(passage_id, (None, None))
    lexical_rank, bm25 = ranked.lexical.get(passage_id, (None, None))
    return SearchHit(
        passage=passage,
        score=score,
        dense_rank=dense_rank,
        dense_score=cosine,
        lexical_rank=lexical_rank,
        lexical_score=bm25,
    )
