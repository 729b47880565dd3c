"""Bringing the database in line with files, one file and one transaction at a time.

A kill loses at most the file in work. A passage is embedded only if no passage of the index was
made from the same words before, so renames and small edits cost little.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from quoth.errors import DocumentError
from quoth.retrieval.chunking import ChunkingConfig
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.loaders import load
from quoth.retrieval.preparing import EmbeddedTexts, Origin, prepare, recipe_of
from quoth.retrieval.progress import Progress
from quoth.retrieval.records import DocumentRecord
from quoth.retrieval.reports import SkippedFile
from quoth.retrieval.walking import FoundFile, FoundFiles, shown

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SyncTally:
    """Counts while a sync runs."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    embedded: int = 0


class Sync:
    """One run over a list of files."""

    def __init__(
        self,
        store: DocStore,
        embedder: Embedder,
        chunking: ChunkingConfig,
        limits: LoadLimits,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._embedded = EmbeddedTexts(store, embedder)
        self._chunking = chunking
        self._limits = limits
        self._progress = progress
        self._done = 0
        self._total = 0
        self.tally = SyncTally()
        self.skipped: list[SkippedFile] = []

    def run(self, found: FoundFiles) -> None:
        """Add and change the files; delete what the covered folders do not hold any more."""
        files = found.files
        known = {record.id: record for record in self._store.documents.all()}
        sizes = [_size(file.path) for file in files]
        self._total = sum(sizes)
        for file, size in zip(files, sizes, strict=True):
            self._tell(0, 1, file.name, size)
            self._take(file, known.get(file.document_id), size)
            self._done += size
        here = {file.document_id for file in files}
        for document_id in known.keys() - here:
            path = known[document_id].path  # empty for texts that came from no file
            if path and path in found.covered:
                self._store.remove(document_id)
                self.tally.removed += 1
        if self._progress:
            self._progress(self._total, self._total, "done")

    def _take(self, file: FoundFile, known: DocumentRecord | None, size: int) -> None:
        try:
            content = _read(file.path, self._limits)
        except DocumentError as error:
            self._skip(file, f"{error}{'; its earlier version stays indexed' if known else ''}")
            return
        digest = hashlib.sha256(content).hexdigest()
        recipe = recipe_of(self._chunking)
        if known and (known.content_sha256, known.recipe) == (digest, recipe):
            if known.name != file.name:
                self._store.rename(known.id, file.name)
            if known.modified != (modified := _modified(file.path)):
                self._store.set_modified(known.id, modified)
            self.tally.unchanged += 1
            return
        try:
            document = self._load(file, content)
        except DocumentError as error:
            self._skip(file, str(error))
            if known:  # its text is not in the file any more: nothing may be cited from it
                self._store.remove(known.id)
                self.tally.removed += 1
            return
        self._store_document(file, document, digest, size)
        if known:
            self.tally.changed += 1
        else:
            self.tally.added += 1

    def _load(self, file: FoundFile, content: bytes) -> LoadedDocument:
        try:
            return load(file.path.name, content, self._limits)
        except DocumentError:
            raise
        except Exception as error:  # hostile files find faults; the others go in
            logger.exception("The reader of %s failed", file.name)
            raise DocumentError("could not be read because of a fault in its reader") from error

    def _store_document(
        self, file: FoundFile, document: LoadedDocument, digest: str, size: int
    ) -> None:
        origin = Origin(
            document_id=file.document_id,
            name=file.name,
            path=shown(file.identity),
            content_sha256=digest,
            num_bytes=size,
            modified=_modified(file.path),
        )
        prepared = prepare(origin, document, self._chunking)

        def progress(done: int, total: int, what: str) -> None:  # noqa: ARG001 - a Progress
            self._tell(done, total, file.name, size)

        vectors = self._embedded.vectors([prepared], progress)
        self._store.replace(prepared.record, prepared.content, prepared.passages(vectors))
        self.tally.passages += len(prepared.chunks)
        self.tally.embedded = self._embedded.num_embedded

    def _tell(self, done: int, total: int, name: str, size: int) -> None:
        if self._progress:
            self._progress(self._done + size * done // max(total, 1), self._total, name)

    def _skip(self, file: FoundFile, reason: str) -> None:
        logger.info("skipped %s: %s", file.name, reason)
        self.skipped.append(SkippedFile(path=file.path, reason=reason))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _read(path: Path, limits: LoadLimits) -> bytes:
    """The bytes of a file, one more than allowed at most, so that `load` can refuse it."""
    try:
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from error
