"""An index folder: documents, passages and vectors, kept together.

SQLite is the truth. The FAISS file is made from it and may lag behind (after a kill) or be lost:
opening compares the passage ids of both and brings the vectors up to date, so search never sees a
difference. Any thread may call; changes happen one at a time.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from quoth.errors import ConfigError, InputError
from quoth.retrieval import boxes, manifest
from quoth.retrieval.adding import TextDocument, add_texts
from quoth.retrieval.chunking import ChunkingConfig
from quoth.retrieval.database import DATABASE
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadLimits, PageRect
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.filters import Filters
from quoth.retrieval.folders import check_free
from quoth.retrieval.live_vectors import LiveVectors
from quoth.retrieval.locking import WAIT_S, writer_lock
from quoth.retrieval.pages import page_at
from quoth.retrieval.progress import Progress
from quoth.retrieval.query_cache import QueryCache
from quoth.retrieval.ranking import Question, Ranker
from quoth.retrieval.records import DocumentRecord, document_status
from quoth.retrieval.reports import (
    DocumentStatus,
    IndexStatus,
    SearchHit,
    SyncReport,
    VerifyReport,
)
from quoth.retrieval.search_options import Mode, SearchOptions
from quoth.retrieval.searching import Searcher
from quoth.retrieval.sync import Sync
from quoth.retrieval.verifying import verify
from quoth.retrieval.walking import find_files


class Index:
    """Made by `create`, `open` or `open_or_create`; a context manager that closes itself.

    Without an embedder it can tell about itself and forget documents, but not search or sync.
    """

    def __init__(
        self,
        path: Path,
        *,
        embedder: Embedder | None,
        chunking: ChunkingConfig | None = None,
        limits: LoadLimits | None = None,
    ) -> None:
        self.path = Path(path)
        self._manifest = manifest.read_manifest(self.path)
        if embedder:
            self._manifest.check_embedder(embedder)
        self._embedder = embedder
        self._chunking = chunking or ChunkingConfig()
        self._limits = limits or LoadLimits()
        self._store = DocStore(self.path)
        self._vectors = LiveVectors(self.path, self._store, self._manifest)
        self._searcher = Searcher(self._store, Ranker(self._store, self._vectors))
        self._queries = QueryCache()
        self._changing = threading.Lock()

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        embedder: Embedder,
        chunking: ChunkingConfig | None = None,
        limits: LoadLimits | None = None,
    ) -> "Index":
        """Make an empty index in the folder `path`.

        Raises:
            InputError: There is an index already, or the folder holds other things.
            IndexBusyError: Another process is making one there.
        """
        folder = Path(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"No index can be made in {folder}: {error.strerror}.") from error
        check_free(folder)
        with writer_lock(folder):
            check_free(folder)
            (folder / DATABASE).unlink(missing_ok=True)  # of a creation that was killed
            DocStore(folder, create=True).close()
            manifest.write_manifest(folder, manifest.new_manifest(embedder))
        return cls(folder, embedder=embedder, chunking=chunking, limits=limits)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        embedder: Embedder | None,
        chunking: ChunkingConfig | None = None,
        limits: LoadLimits | None = None,
    ) -> "Index":
        """Open the index in the folder `path`.

        Raises:
            IndexNotFoundError: There is none.
            IndexFormatError: It is damaged beyond repair, or of a newer format.
            EmbedderMismatchError: It was built with another embedder.
        """
        return cls(Path(path), embedder=embedder, chunking=chunking, limits=limits)

    @classmethod
    def open_or_create(
        cls,
        path: Path | str,
        *,
        embedder: Embedder,
        chunking: ChunkingConfig | None = None,
        limits: LoadLimits | None = None,
    ) -> "Index":
        """Open the index in the folder `path`, or make one. Raises what these two raise."""
        mark = Path(path) / manifest.MANIFEST
        if not mark.exists():
            try:
                return cls.create(path, embedder=embedder, chunking=chunking, limits=limits)
            except InputError:
                if not mark.exists():  # nobody made one meanwhile
                    raise
        return cls.open(path, embedder=embedder, chunking=chunking, limits=limits)

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

    def sync(
        self,
        paths: Sequence[Path],
        *,
        progress: Progress | None = None,
        root: Path | None = None,
        wait_s: float = WAIT_S,
    ) -> SyncReport:
        """Make the index hold what the files under `paths` hold.

        Files are compared by content. What cannot be read is reported and passed over. `progress`
        counts bytes. Documents are deleted whose files are gone from the folders among `paths`;
        those from elsewhere stay. With `root`, documents are known by their path below it, and the
        folder may move.

        Raises:
            InputError: A path does not exist; nothing was changed.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
        """
        run = Sync(self._store, self._needed_embedder(), self._chunking, self._limits, progress)
        with self._change(wait_s):
            found = find_files(paths, root)
            run.run(found)
        tally = run.tally
        return SyncReport(
            added=tally.added,
            changed=tally.changed,
            unchanged=tally.unchanged,
            removed=tally.removed,
            skipped=(*found.skipped, *run.skipped),
            passages=tally.passages,
            embedded=tally.embedded,
        )

    def add_texts(
        self,
        documents: Sequence[TextDocument],
        *,
        progress: Progress | None = None,
        wait_s: float = WAIT_S,
    ) -> int:
        """Put texts in that come from no file; return the number of their passages.

        An id that the index holds gets the new text. No sync touches them. A kill loses at most
        those not stored yet; `progress` counts documents.

        Raises:
            InputError: Two have the same id; nothing was changed.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
        """
        with self._change(wait_s):
            return add_texts(
                self._store, self._needed_embedder(), self._chunking, documents, progress
            )

    def remove(self, document_id: str, *, wait_s: float = WAIT_S) -> None:
        """Delete a document and everything made from it.

        Raises:
            InputError: There is no such document.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
        """
        with self._change(wait_s):
            self._record(document_id)
            self._store.remove(document_id)

    def search(
        self,
        query: str,
        k: int = 5,
        *,
        filters: Filters | None = None,
        mode: Mode | None = None,
        options: SearchOptions | None = None,
    ) -> list[SearchHit]:
        """The passages that fit `query` best, best first, at most `k`; equal texts count once.

        Args:
            query: A question or some words; nothing in it has a meaning of its own.
            k: How many at most.
            filters: Only passages of the documents that pass are looked at.
            mode: "hybrid" (by meaning and by words), "dense" or "lexical"; wins over `options`.
            options: Everything else: reranking, diversity, joined neighbours, depth.

        Raises:
            InputError: The question is empty, or no passage is asked for.
            ConfigError: The mode is unknown; or the index has no embedder, and the mode needs one.
        """
        if k < 1:
            raise InputError(f"At least one passage must be asked for, not {k}.")
        if not query.strip():
            raise InputError("The question is empty. Ask something.")
        options = options or SearchOptions()
        options = replace(options, mode=mode) if mode else options
        vector = None
        if options.mode != "lexical":
            vector = self._queries.vector(self._needed_embedder(), query)
        question = Question(
            text=query, vector=vector, filters=filters or Filters(), options=options
        )
        return self._searcher.search(question, k)

    def tag(self, document_id: str, tags: Collection[str], *, wait_s: float = WAIT_S) -> None:
        """Give a document these tags, and no others; they stay when the document changes.

        Raises:
            InputError: There is no such document.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
        """
        with self._change(wait_s):
            self._record(document_id)
            self._store.tag(document_id, tags)

    def documents(self) -> tuple[DocumentStatus, ...]:
        """All documents, by name."""
        counts = self._store.passages.counts()
        tags = self._store.documents.tags()
        return tuple(
            document_status(record, counts.get(record.id, 0), tags.get(record.id, ()))
            for record in self._store.documents.all()
        )

    def status(self) -> IndexStatus:
        """The index as a whole."""
        return IndexStatus(
            path=self.path,
            format_version=self._manifest.version,
            embedder_id=self._manifest.embedder_id,
            dim=self._manifest.dim,
            num_documents=len(self._store.documents.all()),
            num_passages=sum(self._store.passages.counts().values()),
            num_bytes=sum(file.stat().st_size for file in self.path.iterdir() if file.is_file()),
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

    def rectangles(self, document_id: str, start: int, end: int) -> list[PageRect]:
        """Where `[start, end)` of a PDF stands on its pages: whole words, joined along lines."""
        self._record(document_id)
        packed = self._store.documents.boxes(document_id)
        return boxes.unpacked(packed).rectangles(start, end) if packed else []

    def verify(self) -> VerifyReport:
        """Check every invariant of the index; slow, and changes nothing."""
        return verify(self._store, self._vectors, self._manifest.dim)

    @contextmanager
    def _change(self, wait_s: float) -> Iterator[None]:
        """One change at a time; the FAISS file follows, also when the change broke off."""
        with self._changing, writer_lock(self.path, wait_s):
            try:
                yield
            finally:
                self._store.fold()
                self._vectors.save()
                self._store.database.fold_log()

    def _needed_embedder(self) -> Embedder:
        if self._embedder is None:
            raise ConfigError(
                f"The index in {self.path} was opened without an embedder, which searching and "
                f"syncing need. Open it with {self._manifest.embedder_id!r}."
            )
        return self._embedder

    def _record(self, document_id: str) -> DocumentRecord:
        record = self._store.documents.get(document_id)
        if record is None:
            raise _unknown(document_id)
        return record


def _unknown(document_id: str) -> InputError:
    return InputError(
        f"The index holds no document {document_id!r}. List them with: quoth index status"
    )
