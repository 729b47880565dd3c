"""From a query vector to passages whose text is cut from the right version of their document."""

from collections import OrderedDict
from threading import Lock

from quoth.errors import IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.live_vectors import LiveVectors
from quoth.retrieval.records import Hit
from quoth.retrieval.reports import SearchHit
from quoth.retrieval.vectors import Vectors
from quoth.types import Passage

_CACHED_CHARS = 20_000_000
_TRIES = 5


class Searcher:
    """Searches, from any thread, while the index changes."""

    def __init__(self, store: DocStore, vectors: LiveVectors) -> None:
        self._store = store
        self._vectors = vectors
        self._texts: OrderedDict[str, str] = OrderedDict()  # by hash, least used first
        self._lock = Lock()

    def search(self, query: Vectors, k: int) -> list[SearchHit]:
        """The best `k` passages for a query of unit length [dim]."""
        for _ in range(_TRIES):
            found = self._vectors.search(query, k)
            hits = self._store.passages.hits([passage_id for passage_id, _ in found])
            results = [self._result(hits.get(key), score) for key, score in found]
            complete = [result for result in results if result]
            if len(complete) == len(found):
                return complete
        return complete  # documents come and go faster than we look: what is certain is right

    def _result(self, hit: Hit | None, score: float) -> SearchHit | None:
        """None if the passage was deleted or its document changed since the vectors were read."""
        text = self._text(hit) if hit else None
        if hit is None or text is None:
            return None
        record = hit.passage
        if not 0 <= record.start < record.end <= len(text):
            raise IndexFormatError(
                f"Passage {record.id} of {hit.document!r} lies outside its document. Remove the "
                f"document and sync again."
            )
        passage = Passage(
            id=str(record.id),
            document_id=record.document_id,
            document=hit.document,
            text=text[record.start : record.end],
            start=record.start,
            end=record.end,
            page=record.page,
            end_page=record.end_page,
            heading=record.heading,
        )
        return SearchHit(passage=passage, score=min(1.0, max(-1.0, score)))

    def _text(self, hit: Hit) -> str | None:
        with self._lock:
            text = self._texts.get(hit.text_sha256)
            if text is not None:
                self._texts.move_to_end(hit.text_sha256)
                return text
        text = self._store.documents.text_version(hit.passage.document_id, hit.text_sha256)
        if text is not None:
            self._keep(hit.text_sha256, text)
        return text

    def _keep(self, digest: str, text: str) -> None:
        with self._lock:
            self._texts[digest] = text
            while sum(map(len, self._texts.values())) > _CACHED_CHARS and len(self._texts) > 1:
                self._texts.popitem(last=False)
