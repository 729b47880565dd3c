"""From a loaded document to the rows that the database will hold: all of it but the vectors.

A passage's vector is known by the hash of what was embedded, so equal words are embedded once.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from quoth.retrieval.chunking import Chunk, ChunkingConfig, chunk_document
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadedDocument
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.pages import page_at
from quoth.retrieval.progress import Progress
from quoth.retrieval.records import DocumentRecord, PassageRecord, TextRecord

RECIPE = 1  # raise it when loaders or chunking give other texts or passages than before
_HEADING_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document comes from. Without a path it comes from no file."""

    document_id: str
    name: str  # as the user knows it
    path: str
    content_sha256: str
    num_bytes: int
    modified: float | None = None  # seconds since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document ready to be stored, once the embedder has read its texts."""

    record: DocumentRecord
    content: TextRecord
    chunks: tuple[Chunk, ...]
    texts: tuple[str, ...]  # what the embedder reads, one for each chunk
    keys: tuple[bytes, ...]  # their hashes

    def passages(self, vectors: Mapping[bytes, bytes]) -> list[PassageRecord]:
        """The passages with their vectors out of `vectors`, which holds all the keys."""
        return [
            PassageRecord(
                document_id=self.record.id,
                start=chunk.start,
                end=chunk.end,
                page=page_at(self.record.page_starts, chunk.start),
                end_page=page_at(self.record.page_starts, chunk.end - 1),
                heading=" > ".join(chunk.headings),
                vector_key=key,
                vector=vectors[key],
            )
            for chunk, key in zip(self.chunks, self.keys, strict=True)
        ]


def prepare(origin: Origin, document: LoadedDocument, chunking: ChunkingConfig) -> Prepared:
    """Cut a document into passages."""
    text = document.text
    record = DocumentRecord(
        id=origin.document_id,
        name=origin.name,
        path=origin.path,
        format=document.format,
        title=document.title,
        content_sha256=origin.content_sha256,
        text_sha256=text_digest(text),
        recipe=recipe_of(chunking),
        num_bytes=origin.num_bytes,
        num_chars=len(text),
        page_starts=document.page_starts,
        modified=origin.modified,
    )
    boxes = document.boxes.packed() if document.boxes else None
    title = document.title or (PurePath(origin.name).stem if origin.path else "")
    chunks = tuple(chunk_document(document, chunking))
    texts = tuple(text_to_embed(text, chunk, title) for chunk in chunks)
    return Prepared(
        record=record,
        content=TextRecord(text=text, locations=document.locations, boxes=boxes),
        chunks=chunks,
        texts=texts,
        keys=tuple(hashlib.sha256(text.encode()).digest() for text in texts),
    )


class EmbeddedTexts:
    """Vectors of prepared documents: those that the database holds, and new ones for the rest."""

    def __init__(self, store: DocStore, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self.num_embedded = 0  # texts that the embedder had to read

    def vectors(
        self, documents: Iterable[Prepared], progress: Progress | None = None
    ) -> dict[bytes, bytes]:
        """The vector of every key of `documents`: float32, little endian."""
        texts: dict[bytes, str] = {}
        for document in documents:
            texts.update(zip(document.keys, document.texts, strict=True))
        vectors = self._store.passages.vectors_by_key(list(texts))
        fresh = {key: text for key, text in texts.items() if key not in vectors}
        vectors.update(zip(fresh, self._embed(list(fresh.values()), progress), strict=True))
        return vectors

    def _embed(self, texts: Sequence[str], progress: Progress | None) -> list[bytes]:
        if not texts:
            return []
        vectors = self._embedder.embed(texts, progress=progress)
        if not np.isfinite(vectors).all():
            raise ValueError(f"the embedder {self._embedder.id!r} gave values that are no numbers")
        self.num_embedded += len(texts)
        return [row.astype("<f4").tobytes() for row in vectors]


def recipe_of(chunking: ChunkingConfig) -> str:
    """What the passages of a document depend on besides its file."""
    return f"{RECIPE}/{chunking.target}/{chunking.smallest}/{chunking.overlap}"


def text_digest(text: str) -> str:
    """The hash of a canonical text that the database keeps."""
    return hashlib.sha256(text.encode()).hexdigest()


def text_to_embed(text: str, chunk: Chunk, title: str) -> str:
    """What the embedder reads of a chunk: what the document is about, and the chunk."""
    heading = " > ".join(chunk.headings)
    named = not heading or heading.startswith(title)
    about = (heading or title) if named else f"{title} > {heading}"
    words = text[chunk.start : chunk.end]
    return f"{about[:_HEADING_CHARS]}\n{words}" if about else words
