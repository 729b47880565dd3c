"""An index folder: documents, passages and vectors, kept together.

SQLite is the truth. The FAISS files are made from it and may lag behind (after a kill) or be lost:
the first search brings the vectors up to date, and never sees a difference. Any thread may call;
changes happen one at a time.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from quoth.errors import ConfigError, IndexFailure, InputError
from quoth.retrieval import manifest
from quoth.retrieval.adding import TextDocument, add_texts
from quoth.retrieval.chunking import ChunkingConfig
from quoth.retrieval.contents import IndexContents
from quoth.retrieval.creating import make_empty
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.filters import Filters
from quoth.retrieval.live_vectors import LiveVectors
from quoth.retrieval.locking import WAIT_S, writer_lock
from quoth.retrieval.optimising import Optimiser
from quoth.retrieval.preparing import OpenPreparer, Recipe, local_preparer
from quoth.retrieval.progress import Progress
from quoth.retrieval.query_cache import QueryCache
from quoth.retrieval.ranking import Question, Ranker
from quoth.retrieval.repairing import repair
from quoth.retrieval.reports import (
    RepairReport,
    SearchHit,
    SyncReport,
)
from quoth.retrieval.search_options import Mode, SearchOptions
from quoth.retrieval.searching import Searcher
from quoth.retrieval.stored_vectors import VectorKind
from quoth.retrieval.sync import Sync
from quoth.retrieval.vector_store import OpenVectors
from quoth.retrieval.walking import find_files


class IndexOptions(TypedDict, total=False):
    """How an index reads files, and where its vectors lie."""

    chunking: ChunkingConfig | None
    limits: LoadLimits | None
    vectors: OpenVectors  # by default FAISS, in files beside the database


class Index(IndexContents):
    """Made by `create`, `open` or `open_or_create`; a context manager that closes itself.

    Without an embedder it can tell about itself and forget documents, but not search or sync.
    """

    def __init__(
        self, path: Path, *, embedder: Embedder | None, **options: Unpack[IndexOptions]
    ) -> None:
        known = manifest.read_manifest(path)
        if embedder:
            known.check_embedder(embedder)
        super().__init__(path, known, options.get("vectors", LiveVectors))
        self._embedder = embedder
        self._recipe = Recipe(
            chunking=options.get("chunking") or ChunkingConfig(),
            limits=options.get("limits") or LoadLimits(),
        )
        self._searcher = Searcher(
            self._store, Ranker(self._store, self._vectors), self._manifest.dim
        )
        self._queries = QueryCache()
        self._changing = threading.Lock()
        self._optimiser = None
        if isinstance(self._vectors, LiveVectors):  # other stores see to their form themselves
            self._optimiser = Optimiser(self.path, self._vectors, self._change)

    @classmethod
    def create(
        cls, path: Path | str, *, embedder: Embedder, **options: Unpack[IndexOptions]
    ) -> "Index":
        """Make an empty index in the folder `path`.

        Raises:
            InputError: There is an index already, or the folder holds other things.
            IndexBusyError: Another process is making one there.
        """
        folder = Path(path)
        make_empty(folder, embedder)
        return cls(folder, embedder=embedder, **options)

    @classmethod
    def open(
        cls, path: Path | str, *, embedder: Embedder | None, **options: Unpack[IndexOptions]
    ) -> "Index":
        """Open the index in the folder `path`.

        Raises:
            IndexNotFoundError: There is none.
            IndexFormatError: It is damaged beyond repair, or of a newer format.
            EmbedderMismatchError: It was built with another embedder.
        """
        return cls(Path(path), embedder=embedder, **options)

    @classmethod
    def open_or_create(
        cls, path: Path | str, *, embedder: Embedder, **options: Unpack[IndexOptions]
    ) -> "Index":
        """Open the index in the folder `path`, or make one. Raises what these two raise."""
        mark = Path(path) / manifest.MANIFEST
        if not mark.exists():
            try:
                return cls.create(path, embedder=embedder, **options)
            except InputError:
                if not mark.exists():  # nobody made one meanwhile
                    raise
        return cls.open(path, embedder=embedder, **options)

    def close(self) -> None:
        """Let go of the files. Further calls fail."""
        if self._optimiser:
            self._optimiser.stop()
        super().close()

    def sync(
        self,
        paths: Sequence[Path],
        *,
        progress: Progress | None = None,
        root: Path | None = None,
        wait_s: float = WAIT_S,
        preparer: OpenPreparer = local_preparer,
        checksum: bool = False,
    ) -> SyncReport:
        """Make the index hold what the files under `paths` hold.

        Files are compared by content, and read only if their size, times or inode have changed,
        or with `checksum`. A document stays the same (its id does) when its file is moved or
        changed; files with the same bytes are one document. What cannot be read is reported and
        passed over. `progress` counts bytes. Documents are deleted whose files are gone from the
        folders among `paths`; those from elsewhere stay. With `root`, documents are known by their
        path below it, and the folder may move. `preparer` reads and embeds in the place of this
        process.

        Raises:
            InputError: A path does not exist; nothing was changed.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
            ParserStartError: The process that reads files does not start.
        """
        embedder = self._needed_embedder()
        with self._change(wait_s), preparer(embedder, self._recipe) as prepared:
            found = find_files(paths, root)
            run = Sync(self._store, prepared, self._recipe, progress, checksum=checksum)
            report = run.run(found)
        if self._optimiser:
            self._optimiser.start()
        return report

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
                self._store, self._needed_embedder(), self._recipe, documents, progress
            )

    def remove(self, document_id: str, *, path: Path | None = None, wait_s: float = WAIT_S) -> None:
        """Delete a document and everything made from it.

        With `path`, only that one of its files is forgotten; the document goes with its last.

        Raises:
            InputError: There is no such document.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
        """
        with self._change(wait_s):
            self._record(document_id)
            if path is None:
                self._store.remove(document_id)
            else:
                files = self._store.files.of(document_id)
                self._store.place([], [file.id for file in files if file.path == str(path)])

    def optimise(self, kind: VectorKind | None = None, *, progress: Progress | None = None) -> None:
        """Put the vectors in the form that suits their number; searches go on meanwhile.

        Every sync does so in the background when it is due. Called without `kind`, this waits for
        that. A `kind` makes everything anew from the database, and is kept to from then on: "flat"
        is exact, "sq8" looks through all vectors in 8 bits, "ivf" through the likely ones; "auto"
        chooses by number. Scores are exact with all of them.

        Raises:
            IndexBusyError: Another process does this now.
            ConfigError: The vectors lie in another store, which sees to their form itself.
        """
        if self._optimiser is None and kind:
            raise ConfigError(
                f"The vectors of the index in {self.path} lie in another store. Let that store put "
                f"them in order."
            )
        if self._optimiser is None:
            return
        if kind is None:
            self._optimiser.finish(progress)
        else:
            self._optimiser.run(kind, progress)

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
        query = query.encode("utf-8", "replace").decode()  # models refuse half a character
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
            InputError: There is no such document, or `tags` is a single text.
            IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
        """
        with self._change(wait_s):
            self._record(document_id)
            self._store.tag(document_id, tags)

    @staticmethod
    def repair(path: Path | str, *, wait_s: float = WAIT_S) -> RepairReport:
        """Make the index in the folder `path` sound again; see `quoth.retrieval.repairing`."""
        return repair(Path(path), wait_s=wait_s)

    @contextmanager
    def _change(self, wait_s: float) -> Iterator[None]:
        """One change at a time; the FAISS file follows, also when the change broke off."""
        with self._changing, writer_lock(self.path, wait_s):
            try:
                yield
            except BaseException:
                with suppress(IndexFailure):  # what broke the change off is told
                    self._bring_up()
                raise
            self._bring_up()

    def _bring_up(self) -> None:
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
