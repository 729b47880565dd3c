"""What an index folder tells of itself and its documents; no embedder is needed for that."""

import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from quoth.errors import IndexBusyError, IndexFailure, InputError
from quoth.retrieval import boxes
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import PageRect
from quoth.retrieval.locking import WAIT_S, writer_lock
from quoth.retrieval.manifest import Manifest
from quoth.retrieval.pages import page_at
from quoth.retrieval.records import DocumentRecord, document_status
from quoth.retrieval.reports import DocumentStatus, IndexStatus, VerifyReport
from quoth.retrieval.vector_store import OpenVectors
from quoth.retrieval.verifying import verify


class IndexContents:
    """The half of an index that reads: its documents, what they say, and whether all is well.

    A context manager that closes itself.
    """

    def __init__(self, path: Path, manifest: Manifest, vectors: OpenVectors) -> None:
        self.path = path
        self._manifest = manifest
        self._store = DocStore(path)
        self._vectors = vectors(path, self._store, manifest)

    def close(self) -> None:
        """Let go of the files. Further calls fail."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def documents(self) -> tuple[DocumentStatus, ...]:
        """All documents, by name."""
        counts = self._store.passages.counts()
        copies = self._store.files.copies()
        tags = self._store.documents.tags()
        return tuple(
            document_status(
                record,
                counts.get(record.id, 0),
                tags.get(record.id, ()),
                copies.get(record.id, ()),
            )
            for record in self._store.documents.all()
        )

    def status(self) -> IndexStatus:
        """The index as a whole."""
        return IndexStatus(
            path=self.path,
            format_version=self._manifest.version,
            embedder_id=self._manifest.embedder_id,
            dim=self._manifest.dim,
            num_documents=self._store.documents.count(),
            num_passages=self._store.vectors.count(),
            vectors=self._vectors.form(),
            num_bytes=sum(map(_size, self.path.iterdir())),
        )

    def text(self, document_id: str) -> str:
        """The canonical text of a document.

        Raises:
            InputError: There is no such document.
        """
        text = self._store.documents.text(document_id)
        if text is None:
            raise _unknown(document_id)
        return text

    def page_at(self, document_id: str, offset: int) -> int | None:
        """The page, from 1, of a character of a document; None where it has no pages."""
        return page_at(self._record(document_id).page_starts, offset)

    def location(self, document_id: str, start: int, end: int) -> str:
        """Where in its file `[start, end)` stands: "page 3", "lines 4-9"; empty if not known."""
        return self._store.documents.location(self._record(document_id), start, end)

    def rectangles(self, document_id: str, start: int, end: int) -> list[PageRect]:
        """Where `[start, end)` of a PDF stands on its pages: whole words, joined along lines."""
        self._record(document_id)
        packed = self._store.documents.boxes(document_id)
        return boxes.unpacked(packed).rectangles(start, end) if packed else []

    def verify(self, *, wait_s: float = WAIT_S) -> VerifyReport:
        """Check every invariant of the index; slow, and changes nothing.

        A change in work can look like damage, so what looks wrong is looked at again while nobody
        writes.

        Raises:
            IndexBusyError: Something looks wrong, and another process is writing, and is not done
                after `wait_s` seconds.
        """
        report = verify(self._store, self._vectors, self._manifest.dim)
        if not report.problems:
            return report
        try:
            with writer_lock(self.path, wait_s):
                return verify(self._store, self._vectors, self._manifest.dim)
        except IndexBusyError:
            raise
        except IndexFailure:  # the folder is read-only: nobody writes
            return report

    def _record(self, document_id: str) -> DocumentRecord:
        record = self._store.documents.get(document_id)
        if record is None:
            raise _unknown(document_id)
        return record


def _size(path: Path) -> int:
    """Bytes of a file; 0 for what is none, or was just replaced by a writer."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def _unknown(document_id: str) -> InputError:
    return InputError(
        f"The index holds no document {document_id!r}. List them with: quoth index status"
    )
