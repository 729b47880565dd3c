"""Bringing the database in line with files, one file and one transaction at a time.

A kill loses at most the file in work. A passage is embedded only if no passage of the index was
made from the same words before, so renames and small edits cost little.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from quoth.errors import DocumentError, ReaderError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.embedder import Vectors
from quoth.retrieval.preparing import ExpectedFile, PreparedDocument, Preparer, Recipe
from quoth.retrieval.progress import Progress
from quoth.retrieval.records import FileRecord
from quoth.retrieval.reports import SkippedFile, SyncReport
from quoth.retrieval.scanning import Ledger, SeenFile, look_at
from quoth.retrieval.vector_reuse import vectors_of
from quoth.retrieval.walking import FoundFile, FoundFiles

logger = logging.getLogger(__name__)

_ROWS = 1000  # deleted in one transaction


@dataclass(slots=True)
class SyncTally:
    """Counts while a sync runs."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    moved: int = 0
    duplicates: int = 0
    passages: int = 0
    embedded: int = 0


class Sync:
    """One run over a list of files."""

    def __init__(
        self,
        store: DocStore,
        preparer: Preparer,
        recipe: Recipe,
        progress: Progress | None = None,
        *,
        checksum: bool = False,
    ) -> None:
        self._store = store
        self._preparer = preparer
        self._recipe = recipe
        self._progress = progress
        self._trust = not checksum
        self._ledger = Ledger(store, recipe.id, recipe.limits)
        self._refused: list[FileRecord] = []
        self._arrived: Counter[str] = Counter()  # files by the document that they turned out to be
        self._done = 0
        self._total = 0
        self.tally = SyncTally()
        self._skipped: list[SkippedFile] = []

    def run(self, found: FoundFiles) -> SyncReport:
        """Add and change the files; delete what the covered folders do not hold any more."""
        if self._progress:
            self._progress(0, 1, "looking for changes")
        seen = [look_at(file, self._ledger, trust=self._trust) for file in found.files]
        self._total = sum(each.size for each in seen)
        waiting = self._settle(seen)
        self._done = self._total - sum(each.size for each in waiting)
        expected = [ExpectedFile(file=each.file, size=each.size) for each in waiting]
        self._preparer.expect(expected, self._known_keys)
        for each in waiting:
            self._tell(0, 1, each.file.name, each.size)
            self._take(each)
            self._done += each.size
        self._write(self._refused)
        self._clear(found)
        if self._progress:
            self._progress(self._total, self._total, "done")
        skipped = (*found.skipped, *self._skipped)
        return SyncReport(**asdict(self.tally), skipped=skipped)

    def _settle(self, seen: Sequence[SeenFile]) -> list[SeenFile]:
        """Deal with all files that need not be read; return the others."""
        waiting: list[SeenFile] = []
        rows: list[FileRecord] = []
        for each in seen:
            if each.problem:
                self._leave(each, each.problem)
            elif each.reason:
                self._skip(each.file, each.reason)
            elif (document_id := self._ledger.same_as(each, each.sha256)) is not None:
                rows += self._held(each, document_id)
            else:
                waiting.append(each)
        self._write(rows)
        return waiting

    def _held(self, seen: SeenFile, document_id: str) -> list[FileRecord]:
        """The row of a file that is a document of the index, unless it stands there already."""
        known = self._ledger.files.get(seen.id)
        if known and known.document_id == document_id:
            self.tally.unchanged += 1
        else:
            self._arrived[document_id] += 1
        row = seen.record(document_id)
        return [] if row == known else [row]

    def _take(self, seen: SeenFile) -> None:
        known = self._ledger.version_of(seen.id)
        try:
            content = _read(seen.file.path, self._recipe.limits)
        except DocumentError as error:
            self._leave(seen, str(error))
            return
        digest = hashlib.sha256(content).hexdigest()
        if (document_id := self._ledger.same_as(seen, digest)) is not None:
            self._write(self._held(seen, document_id))
            return
        try:
            prepared = self._preparer.prepare(seen.file, content, digest)
            vectors = self._vectors(prepared, seen)
        except DocumentError as error:
            self._refuse(seen, error)
            return
        self._store_document(prepared, vectors, seen)
        if known:
            self.tally.changed += 1
        else:
            self.tally.added += 1

    def _leave(self, seen: SeenFile, problem: str) -> None:
        stays = self._ledger.version_of(seen.id) is not None
        self._skip(seen.file, f"{problem}{'; its earlier version stays indexed' if stays else ''}")

    def _refuse(self, seen: SeenFile, error: DocumentError) -> None:
        """Nothing may be cited from a file whose text is not in it any more."""
        self._skip(seen.file, str(error))
        row = self._ledger.refused(seen, str(error), lasting=not isinstance(error, ReaderError))
        if self._ledger.version_of(seen.id):
            self._place([row], [])
        else:
            self._refused.append(row)

    def _write(self, rows: Sequence[FileRecord]) -> None:
        """Write rows; what only says that a file has not changed is nothing that search sees."""
        moved, noted = self._ledger.parted(rows)
        if noted:
            self._store.note_files(noted)
            self._ledger.put(noted)
        if moved:
            self._place(moved, [])

    def _clear(self, found: FoundFiles) -> None:
        """Forget the files that are gone, and the documents that lie in no other."""
        here = {file.document_id for file in found.files}
        gone = [
            file
            for file in self._ledger.files.values()
            if file.id not in here and file.path and file.path in found.covered
        ]
        left = Counter(file.document_id for file in gone)
        self.tally.moved = sum(min(n, left[each]) for each, n in self._arrived.items())
        self.tally.duplicates = self._arrived.total() - self.tally.moved
        for start in range(0, len(gone), _ROWS):
            ids = [file.id for file in gone[start : start + _ROWS]]
            self._place([], ids)
        for document_id in self._ledger.unclaimed():
            self._store.remove(document_id)
            self.tally.removed += 1

    def _place(self, rows: Sequence[FileRecord], gone: Sequence[str]) -> None:
        """Write and delete rows, and delete the documents that lie nowhere then."""
        homeless = self._store.place(rows, gone)
        self._ledger.put(rows)
        self._ledger.drop(gone, homeless)
        self.tally.removed += len(homeless)

    def _known_keys(self, keys: Sequence[bytes]) -> set[bytes]:
        return set(self._store.passages.vectors_by_key(keys))

    def _vectors(self, prepared: PreparedDocument, seen: SeenFile) -> dict[bytes, bytes]:
        """The vectors of a document's passages by key: those that there are, and new ones."""

        def progress(done: int, total: int, what: str) -> None:  # noqa: ARG001 - a Progress
            self._tell(done, total, seen.file.name, seen.size)

        def embed(texts: Sequence[str]) -> Vectors:
            vectors = self._preparer.embed(texts, progress=progress)
            self.tally.embedded += len(texts)
            return vectors

        return vectors_of(self._store, [prepared], embed)

    def _store_document(
        self, prepared: PreparedDocument, vectors: Mapping[bytes, bytes], seen: SeenFile
    ) -> None:
        document_id = self._ledger.id_for(seen, prepared.record.content_sha256)
        record = replace(prepared.record, id=document_id, modified=seen.modified)
        passages = [
            replace(each, document_id=document_id) for each in prepared.with_vectors(vectors)
        ]
        row = seen.record(document_id)
        self._store.replace(record, prepared.content, passages, row)
        self._ledger.made(record, row)
        self.tally.passages += len(passages)

    def _tell(self, done: int, total: int, name: str, size: int) -> None:
        if self._progress:
            self._progress(self._done + size * done // max(total, 1), self._total, name)

    def _skip(self, file: FoundFile, reason: str) -> None:
        logger.info("skipped %s: %s", file.name, reason)
        self._skipped.append(SkippedFile(path=file.path, reason=reason))


def _read(path: Path, limits: LoadLimits) -> bytes:
    """The bytes of a file, one more than allowed at most, so that `load` can refuse it."""
    try:
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from error
