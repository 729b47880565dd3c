"""Bringing the database in line with files, one file and one transaction at a time.

A kill loses at most the file in work. A passage is embedded only if no passage of the index was
made from the same words before, so renames and small edits cost little.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from quoth.errors import DocumentError
from quoth.retrieval.chunking import Chunk, ChunkingConfig, chunk_document
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.pages import page_at
from quoth.retrieval.parsing import Parser
from quoth.retrieval.progress import Progress
from quoth.retrieval.records import DocumentRecord, PassageRecord, TextRecord
from quoth.retrieval.reports import SkippedFile
from quoth.retrieval.walking import FoundFile, FoundFiles, shown

logger = logging.getLogger(__name__)

RECIPE = 2  # raise it when loaders or chunking give other texts or passages than before
_HEADING_CHARS = 200


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
        parser: Parser,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._chunking = chunking
        self._parser = parser
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
            if known[document_id].path in found.covered:
                self._store.remove(document_id)
                self.tally.removed += 1
        if self._progress:
            self._progress(self._total, self._total, "done")

    def _take(self, file: FoundFile, known: DocumentRecord | None, size: int) -> None:
        try:
            content = _read(file.path, self._parser.limits)
        except DocumentError as error:
            self._skip(file, f"{error}{'; its earlier version stays indexed' if known else ''}")
            return
        digest = hashlib.sha256(content).hexdigest()
        recipe = self._recipe()
        if known and (known.content_sha256, known.recipe) == (digest, recipe):
            if known.name != file.name:
                self._store.rename(known.id, file.name)
            self.tally.unchanged += 1
            return
        try:
            document = self._parser.load(file.path.name, content)
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

    def _store_document(
        self, file: FoundFile, document: LoadedDocument, digest: str, size: int
    ) -> None:
        text = document.text
        record = DocumentRecord(
            id=file.document_id,
            name=file.name,
            path=shown(file.identity),
            format=document.format,
            title=document.title,
            content_sha256=digest,
            text_sha256=text_digest(text),
            recipe=self._recipe(),
            num_bytes=size,
            num_chars=len(text),
            page_starts=document.page_starts,
        )
        chunks = chunk_document(document, self._chunking)
        passages = self._passages(record, document, chunks, size)
        boxes = document.boxes.packed() if document.boxes else None
        content = TextRecord(text=text, locations=document.locations, boxes=boxes)
        self._store.replace(record, content, passages)
        self.tally.passages += len(passages)

    def _passages(
        self, record: DocumentRecord, document: LoadedDocument, chunks: list[Chunk], size: int
    ) -> list[PassageRecord]:
        title = document.title or PurePath(record.name).stem
        texts = [text_to_embed(document.text, chunk, title) for chunk in chunks]
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        vectors = self._store.passages.vectors_by_key(list(set(keys)))
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        made = self._embed(list(fresh.values()), record.name, size)
        vectors.update(zip(fresh, made, strict=True))
        return [
            PassageRecord(
                document_id=record.id,
                start=chunk.start,
                end=chunk.end,
                page=page_at(record.page_starts, chunk.start),
                end_page=page_at(record.page_starts, chunk.end - 1),
                heading=" > ".join(chunk.headings),
                vector_key=key,
                vector=vectors[key],
            )
            for chunk, key in zip(chunks, keys, strict=True)
        ]

    def _embed(self, texts: list[str], name: str, size: int) -> list[bytes]:
        """Embed `texts`; the database holds float32, little endian."""

        def progress(done: int, total: int, what: str) -> None:  # noqa: ARG001 - a Progress
            self._tell(done, total, name, size)

        if not texts:
            return []
        vectors = self._embedder.embed(texts, progress=progress)
        if not np.isfinite(vectors).all():
            raise ValueError(f"the embedder {self._embedder.id!r} gave values that are no numbers")
        self.tally.embedded += len(texts)
        return [row.astype("<f4").tobytes() for row in vectors]

    def _tell(self, done: int, total: int, name: str, size: int) -> None:
        if self._progress:
            self._progress(self._done + size * done // max(total, 1), self._total, name)

    def _skip(self, file: FoundFile, reason: str) -> None:
        logger.info("skipped %s: %s", file.name, reason)
        self.skipped.append(SkippedFile(path=file.path, reason=reason))

    def _recipe(self) -> str:
        chunking = self._chunking
        return f"{RECIPE}/{chunking.target}/{chunking.smallest}/{chunking.overlap}"


def text_digest(text: str) -> str:
    """The hash of a canonical text that the database keeps."""
    return hashlib.sha256(text.encode()).hexdigest()


def text_to_embed(text: str, chunk: Chunk, title: str) -> str:
    """What the embedder reads of a chunk: what the document is about, and the chunk."""
    heading = " > ".join(chunk.headings)
    about = heading if heading.startswith(title) else f"{title} > {heading}" if heading else title
    return f"{about[:_HEADING_CHARS]}\n{text[chunk.start : chunk.end]}"


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
