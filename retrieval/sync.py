"""Bringing the database in line with files, one file and one transaction at a time.

A kill loses at most the file in work. A passage is embedded only if no passage of the index was
made from the same words before, so renames and small edits cost little.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quoth.errors import DocumentError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.preparing import ExpectedFile, PreparedDocument, Preparer, Recipe
from quoth.retrieval.progress import Progress
from quoth.retrieval.records import DocumentRecord
from quoth.retrieval.reports import SkippedFile
from quoth.retrieval.walking import FoundFile, FoundFiles

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
        preparer: Preparer,
        recipe: Recipe,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._preparer = preparer
        self._recipe = recipe
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
        self._preparer.expect(self._expected(files, sizes, known), self._known_keys)
        for file, size in zip(files, sizes, strict=True):
            self._tell(0, 1, file.name, size)
            self._take(file, known.get(file.document_id), size)
            self._done += size
        here = {file.document_id for file in files}
        for document_id in known.keys() - here:
            if known[document_id].path in found.covered:
                self._store.remove(document_id)
                self.tally.removed += 1
        if self._progress:
            self._progress(self._total, self._total, "done")

    def _expected(
        self, files: Sequence[FoundFile], sizes: Sequence[int], known: Mapping[str, DocumentRecord]
    ) -> list[ExpectedFile]:
        """The files that are new or may have changed; one of the same size hardly has."""
        expected = []
        for file, size in zip(files, sizes, strict=True):
            record = known.get(file.document_id)
            same_recipe = record is not None and record.recipe == self._recipe.id
            digest = record.content_sha256 if record and same_recipe else None
            if not (record and digest and record.num_bytes == size):
                expected.append(ExpectedFile(file=file, size=size, known_sha256=digest))
        return expected

    def _known_keys(self, keys: Sequence[bytes]) -> set[bytes]:
        return set(self._store.passages.vectors_by_key(keys))

    def _take(self, file: FoundFile, known: DocumentRecord | None, size: int) -> None:
        try:
            content = _read(file.path, self._recipe.limits)
        except DocumentError as error:
            self._skip(file, f"{error}{'; its earlier version stays indexed' if known else ''}")
            return
        digest = hashlib.sha256(content).hexdigest()
        if known and (known.content_sha256, known.recipe) == (digest, self._recipe.id):
            if known.name != file.name:
                self._store.rename(known.id, file.name)
            self.tally.unchanged += 1
            return
        try:
            prepared = self._preparer.prepare(file, content, digest)
        except DocumentError as error:
            self._skip(file, str(error))
            if known:  # its text is not in the file any more: nothing may be cited from it
                self._store.remove(known.id)
                self.tally.removed += 1
            return
        self._store_document(prepared, size)
        if known:
            self.tally.changed += 1
        else:
            self.tally.added += 1

    def _store_document(self, prepared: PreparedDocument, size: int) -> None:
        keys = [passage.vector_key for passage in prepared.passages]
        vectors = self._store.passages.vectors_by_key(list(set(keys)))
        texts = zip(keys, prepared.texts, strict=True)
        fresh = {key: text for key, text in texts if key not in vectors}
        made = self._embed(list(fresh.values()), prepared.record.name, size)
        vectors.update(zip(fresh, made, strict=True))
        passages = [replace(each, vector=vectors[each.vector_key]) for each in prepared.passages]
        self._store.replace(prepared.record, prepared.content, passages)
        self.tally.passages += len(passages)

    def _embed(self, texts: list[str], name: str, size: int) -> list[bytes]:
        """Embed `texts`; the database holds float32, little endian."""

        def progress(done: int, total: int, what: str) -> None:  # noqa: ARG001 - a Progress
            self._tell(done, total, name, size)

        if not texts:
            return []
        vectors = self._preparer.embed(texts, progress=progress)
        self.tally.embedded += len(texts)
        return [row.astype("<f4").tobytes() for row in vectors]

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


def _read(path: Path, limits: LoadLimits) -> bytes:
    """The bytes of a file, one more than allowed at most, so that `load` can refuse it."""
    try:
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from error
