"""Passages with their text, cut from the right version of their document."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from quoth.errors import IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.locations import locations_within, under_heading
from quoth.retrieval.records import Hit, TextRecord
from quoth.types import Passage

_CACHED_CHARS = 20_000_000

_Version = tuple[str, str, str]  # of a document: its id, the hash of its text, that of its file


class PassageTexts:
    """Cuts passages; keeps the texts that were needed last. From any thread."""

    def __init__(self, store: DocStore) -> None:
        self._store = store
        self._contents: OrderedDict[_Version, TextRecord] = OrderedDict()  # least used first
        self._num_chars = 0  # of these
        self._lock = Lock()

    def cut(self, ids: Sequence[int]) -> dict[int, tuple[Passage, str]]:
        """The passages, each with the whole text of its document.

        Those are left out that were deleted, or whose document changed while they were read.
        """
        found = {}
        for passage_id, hit in self._store.passages.hits(ids).items():
            content = self._content(hit)
            if content is not None:
                found[passage_id] = _cut(hit, content), content.text
        return found

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


def _cut(hit: Hit, content: TextRecord) -> Passage:
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
        )
        or under_heading(record.heading, record.start),
        copies=hit.copies,
    )
