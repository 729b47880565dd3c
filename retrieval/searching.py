"""From a query vector to passages whose text is cut from the right version of their document."""

from collections import OrderedDict
from threading import Lock

from quoth.errors import IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.live_vectors import LiveVectors
from quoth.retrieval.locations import locations_within
from quoth.retrieval.records import Hit, TextRecord
from quoth.retrieval.reports import SearchHit
from quoth.retrieval.vectors import Vectors
from quoth.types import Passage

_CACHED_CHARS = 20_000_000
_TRIES = 5

_Version = tuple[str, str, str]  # of a document: its id, the hash of its text, that of its file


class Searcher:
    """Searches, from any thread, while the index changes."""

    def __init__(self, store: DocStore, vectors: LiveVectors) -> None:
        self._store = store
        self._vectors = vectors
        self._contents: OrderedDict[_Version, TextRecord] = OrderedDict()  # least used first
        self._num_chars = 0  # of these
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
        content = self._content(hit) if hit else None
        if hit is None or content is None:
            return None
        record, text = hit.passage, content.text
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
            locations=locations_within(
                text=text,
                format=hit.format,
                page_starts=hit.page_starts,
                told=content.locations,
                start=record.start,
                end=record.end,
            ),
            copies=hit.copies,
        )
        return SearchHit(passage=passage, score=min(1.0, max(-1.0, score)))

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
