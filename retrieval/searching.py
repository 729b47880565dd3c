"""From a query vector to passages whose text is cut from the right version of their document."""

from collections import OrderedDict
from dataclasses import replace
from threading import Lock

from quoth.errors import IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.locations import locations_within
from quoth.retrieval.ranking import Ranked, Ranker
from quoth.retrieval.records import Hit, TextRecord
from quoth.retrieval.reports import SearchHit
from quoth.retrieval.search_options import SearchOptions
from quoth.retrieval.vectors import Vectors
from quoth.types import Passage

_CACHED_CHARS = 20_000_000
_TRIES = 5
_AT_ONCE = 50  # passages read from the database

_Version = tuple[str, str, str]  # of a document: its id, the hash of its text, that of its file


class Searcher:
    """Searches, from any thread, while the index changes."""

    def __init__(self, store: DocStore, ranker: Ranker) -> None:
        self._store = store
        self._ranker = ranker
        self._contents: OrderedDict[_Version, TextRecord] = OrderedDict()  # least used first
        self._num_chars = 0  # of these
        self._lock = Lock()

    def search(
        self, query: str, vector: Vectors | None, k: int, options: SearchOptions
    ) -> list[SearchHit]:
        """The best `k` passages for a query; its vector has unit length [dim]."""
        depth = max(k, options.depth)
        tries = _TRIES
        while True:
            ranked = self._ranker.rank(query, vector, depth, options)
            hits, is_complete = self._hits(ranked, k)
            if is_complete and (len(hits) == k or ranked.is_all):
                return hits
            tries -= not is_complete
            if not tries:  # documents come and go faster than we look: what is certain is right
                return hits
            depth *= 2 if is_complete else 1

    def _hits(self, ranked: Ranked, k: int) -> tuple[list[SearchHit], bool]:
        """The first `k` with different texts; and whether all that were looked at are there."""
        found: dict[str, SearchHit] = {}
        is_complete = True
        for start in range(0, len(ranked.fused), _AT_ONCE):
            part = ranked.fused[start : start + _AT_ONCE]
            rows = self._store.passages.hits([passage_id for passage_id, _ in part])
            for passage_id, score in part:
                passage = self._passage(rows.get(passage_id))
                if passage is None:
                    is_complete = False
                elif passage.text in found:
                    first = found[passage.text]
                    same = (*first.duplicates, passage)
                    found[passage.text] = replace(first, duplicates=same)
                elif len(found) < k:
                    found[passage.text] = _hit(ranked, passage, passage_id, score)
            if len(found) == k:
                break
        return list(found.values()), is_complete

    def _passage(self, hit: Hit | None) -> Passage | None:
        """None if the passage was deleted or its document changed since the vectors were read."""
        content = self._content(hit) if hit else None
        if hit is None or content is None:
            return None
        record, text = hit.passage, content.text
        if not 0 <= record.start < record.end <= len(text):
            raise IndexFormatError(
                f"Passage {record.id} of {hit.document!r} lies outside its document. Remove the "
                f"document and sync again."
            )
        return Passage(
            id=str(record.id),
            document_id=record.document_id,
            document=hit.document,
            text=text[record.start : record.end],
            start=record.start,
            end=record.end,
            page=record.page,
            end_page=record.end_page,
            heading=record.heading,
            locations=locations_within(
                text=text,
                format=hit.format,
                page_starts=hit.page_starts,
                told=content.locations,
                start=record.start,
                end=record.end,
            ),
        )

    def _content(self, hit: Hit) -> TextRecord | None:
        key = (hit.passage.document_id, hit.text_sha256, hit.content_sha256)
        with self._lock:
            content = self._contents.get(key)
            if content is not None:
                self._contents.move_to_end(key)
                return content
        content = self._store.documents.text_version(*key)
        if content is not None:
            self._keep(key, content)
        return content

    def _keep(self, key: _Version, content: TextRecord) -> None:
        with self._lock:
            if key not in self._contents:
                self._contents[key] = content
                self._num_chars += len(content.text)
            while self._num_chars > _CACHED_CHARS and len(self._contents) > 1:
                _, gone = self._contents.popitem(last=False)
                self._num_chars -= len(gone.text)


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
