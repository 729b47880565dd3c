"""Which files have changed since the index read them, found without reading all of them.

A file is taken for unchanged while its stamp (size, times, inode) is the one that was noted when it
was read. A stamp is noted only if the file had been at rest for a while by then: one that is
written twice within the clock's grain looks the same both times (git calls it racy).
"""

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.records import DocumentRecord, DocumentVersion, FileRecord
from quoth.retrieval.walking import FoundFile, shown

_AT_REST_NS = 3_000_000_000  # FAT keeps times to 2 s


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """A file as it was found. Without a hash it has to be read, or cannot be (`problem`)."""

    id: str
    file: FoundFile
    size: int = 0  # in bytes
    modified: float | None = None  # in seconds since 1970
    stamp: str = ""  # to note down; empty if the file was just being written
    sha256: str | None = None
    reason: str = ""  # why it was refused before, if it has not changed since
    problem: str = ""

    def record(self, document_id: str | None, *, reason: str = "", recipe: str = "") -> FileRecord:
        """The row of `files` that says so."""
        return FileRecord(
            id=self.id,
            document_id=document_id,
            name=self.file.name,
            path=shown(self.file.identity),
            stamp=self.stamp,
            reason=reason,
            recipe=recipe,
        )


class Ledger:
    """Which file is which document: what the index knows, kept level while a sync changes it."""

    def __init__(self, store: DocStore, recipe: str, limits: LoadLimits) -> None:
        self._recipe = recipe
        self.limits = limits
        self.files = {file.id: file for file in store.files.all()}
        self._versions = {version.id: version for version in store.documents.versions()}
        self._holders: dict[str, set[str]] = defaultdict(set)
        for file in self.files.values():
            if file.document_id in self._versions:
                self._holders[file.document_id].add(file.id)
        self._by_content = {
            _content_key(version.path, version.content_sha256): version.id
            for version in self._versions.values()
            if version.recipe == recipe and version.path
        }

    def version_of(self, file_id: str) -> DocumentVersion | None:
        """The document that a file was the last time."""
        file = self.files.get(file_id)
        return self._versions.get(file.document_id or "") if file else None

    def refused(self, seen: SeenFile, reason: str, *, lasting: bool) -> FileRecord:
        """The row of a file that holds no document; the next sync reads it again unless lasting."""
        if not lasting:
            seen = replace(seen, stamp="")
        return seen.record(None, reason=reason, recipe=self._refusal_recipe())

    def unchanged(self, seen: SeenFile, file: FileRecord) -> SeenFile | None:
        """What `seen` holds if it holds what it did when `file` was written; None if unknown."""
        version = self.version_of(file.id)
        if version:
            return replace(seen, sha256=version.content_sha256)
        is_refused = file.recipe == self._refusal_recipe()
        return replace(seen, reason=file.reason) if is_refused else None

    def _refusal_recipe(self) -> str:
        return f"{self._recipe} {self.limits}"

    def same_as(self, seen: SeenFile, sha256: str | None) -> str | None:
        """The id of the document that a file of this content is, made as it would be now."""
        version = self.version_of(seen.id)
        if version and (version.content_sha256, version.recipe) == (sha256, self._recipe):
            return version.id
        return self._by_content.get(_content_key(seen.file.identity, sha256 or ""))

    def id_for(self, seen: SeenFile, sha256: str) -> str:
        """The id for a document that is made from a file: the same as long as that is possible.

        It stays when its only file changes. Where other files hold the former content, they keep
        the id, and the changed file becomes another document.
        """
        version = self.version_of(seen.id)
        if version and (version.content_sha256 == sha256 or self._is_alone(seen.id, version.id)):
            return version.id
        document_id, tries = seen.id, 0
        while document_id in self._versions:
            tries += 1
            document_id = hashlib.sha256(f"{seen.id}/{tries}".encode()).hexdigest()[:20]
        return document_id

    def put(self, files: Iterable[FileRecord]) -> None:
        """Take note of rows that were written."""
        for file in files:
            self.drop([file.id])
            self.files[file.id] = file
            if file.document_id is not None:
                self._holders[file.document_id].add(file.id)

    def drop(self, file_ids: Iterable[str], document_ids: Iterable[str] = ()) -> None:
        """Take note of rows and documents that were deleted."""
        for file_id in file_ids:
            file = self.files.pop(file_id, None)
            if file and file.document_id is not None:
                self._holders[file.document_id].discard(file_id)
        for document_id in document_ids:
            former = self._versions.pop(document_id, None)
            if former:  # a file of a damaged index may name a document that is not there
                self._forget_content(former)

    def made(self, record: DocumentRecord, file: FileRecord) -> None:
        """Take note of a document that was written."""
        former = self._versions.get(record.id)
        if former:
            self._forget_content(former)
        self._versions[record.id] = DocumentVersion(
            record.id, record.path, record.content_sha256, record.recipe
        )
        self._by_content[_content_key(record.path, record.content_sha256)] = record.id
        self.put([file])

    def parted(self, rows: Sequence[FileRecord]) -> tuple[list[FileRecord], list[FileRecord]]:
        """The rows that change where documents lie, or what they are called; and the others."""
        known = self.files
        others = [
            row
            for row in rows
            if row.document_id is None or (row.id in known and _same_place(row, known[row.id]))
        ]
        noted = {row.id for row in others}
        return [row for row in rows if row.id not in noted], others

    def unclaimed(self) -> list[str]:
        """The documents that lie in no file."""
        return [each for each in self._versions if not self._holders[each]]

    def _forget_content(self, version: DocumentVersion) -> None:
        key = _content_key(version.path, version.content_sha256)
        if self._by_content.get(key) == version.id:
            del self._by_content[key]

    def _is_alone(self, file_id: str, document_id: str) -> bool:
        return self._holders[document_id] <= {file_id}


def look_at(file: FoundFile, ledger: Ledger, *, trust: bool = True) -> SeenFile:
    """Stamp and hash of a file; it is read only if its stamp is new, or not to be trusted."""
    seen = SeenFile(id=file.document_id, file=file)
    try:
        facts = file.path.stat()
        known = ledger.files.get(seen.id) if trust else None
        if known and known.stamp and known.stamp == _stamp(facts):
            seen = replace(seen, size=facts.st_size, stamp=known.stamp)
            unchanged = ledger.unchanged(seen, known)
            if unchanged:
                return unchanged
        return _hashed(seen, ledger.limits.max_bytes)
    except OSError as error:
        return replace(seen, problem=f"cannot be read: {error.strerror}")


def _hashed(seen: SeenFile, max_bytes: int) -> SeenFile:
    with seen.file.path.open("rb") as content:
        facts = os.fstat(content.fileno())
        at_rest = time.time_ns() - max(facts.st_mtime_ns, facts.st_ctime_ns) > _AT_REST_NS
        too_large = facts.st_size > max_bytes
        sha256 = None if too_large else hashlib.file_digest(content, "sha256").hexdigest()
    stamp = _stamp(facts) if at_rest else ""
    return replace(seen, size=facts.st_size, modified=facts.st_mtime, stamp=stamp, sha256=sha256)


def _stamp(facts: os.stat_result) -> str:
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"


def _same_place(row: FileRecord, other: FileRecord) -> bool:
    ours = row.document_id, row.name, row.path
    return ours == (other.document_id, other.name, other.path)


def _content_key(path: str, sha256: str) -> tuple[str, str]:
    """Equal for files that are read alike: the suffix chooses the loader."""
    return PurePosixPath(path).suffix.lower(), sha256
