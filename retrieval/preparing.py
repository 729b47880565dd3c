"""From the bytes of a file to a document that can be stored: everything that needs no index.

It is a function of the bytes, the file's name and the recipe, so it may run in another process or
on another machine, and ahead of being asked: what comes out is the same.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Protocol

import numpy as np

from quoth.retrieval.chunking import Chunk, ChunkingConfig, chunk_document
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.embedder import Embedder, Vectors
from quoth.retrieval.pages import page_at
from quoth.retrieval.parsing import Parser
from quoth.retrieval.progress import Progress
from quoth.retrieval.records import DocumentRecord, PassageRecord, TextRecord
from quoth.retrieval.walking import FoundFile, shown

Load = Callable[[str, bytes], LoadedDocument]

RECIPE = 4  # raise it when loaders or chunking give other texts or passages than before
_HEADING_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How files become documents."""

    chunking: ChunkingConfig
    limits: LoadLimits

    @property
    def id(self) -> str:
        """What a document remembers it by; a document of another recipe is made again."""
        chunking = self.chunking
        return f"{RECIPE}/{chunking.target}/{chunking.smallest}/{chunking.overlap}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document comes from. Without a path it comes from no file."""

    document_id: str
    name: str  # as the user knows it
    path: str
    content_sha256: str
    num_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDocument:
    """A document without vectors: `texts` are what the embedder is to read of its passages."""

    record: DocumentRecord
    content: TextRecord
    passages: tuple[PassageRecord, ...]
    texts: tuple[str, ...]

    def with_vectors(self, vectors: Mapping[bytes, bytes]) -> list[PassageRecord]:
        """The passages, each with the vector of its key."""
        return [replace(each, vector=vectors[each.vector_key]) for each in self.passages]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFile:
    """A file that may have to be prepared, unless its content has the hash `known_sha256`."""

    file: FoundFile
    size: int
    known_sha256: str | None = None


class Preparer(Protocol):
    """Does the work of a sync that needs no index."""

    def expect(
        self, files: Sequence[ExpectedFile], known: Callable[[Sequence[bytes]], set[bytes]]
    ) -> None:
        """Hear which files `prepare` may be called for, in this order; work ahead, or do not.

        `known` tells which of some vector keys have vectors already.
        """
        ...

    def prepare(self, file: FoundFile, content: bytes, digest: str) -> PreparedDocument:
        """The document in `content`, whose SHA-256 is `digest`.

        Raises:
            DocumentError: There is none; the message is the reason.
        """
        ...

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Vectors of the texts of one document: float32 [len(texts), dim].

        They are computed together, as the bits of a vector depend on the batch it was made in.

        Raises:
            DocumentError: It cannot be done; the message is the reason.
        """
        ...


OpenPreparer = Callable[[Embedder, Recipe], AbstractContextManager[Preparer]]


class LocalPreparer:
    """Prepares documents here and now; `load` reads a file of this name and content."""

    def __init__(self, embedder: Embedder, recipe: Recipe, load: Load) -> None:
        self._embedder = embedder
        self._recipe = recipe
        self._load = load

    def expect(
        self, files: Sequence[ExpectedFile], known: Callable[[Sequence[bytes]], set[bytes]]
    ) -> None:
        """There is nothing to do ahead."""

    def prepare(self, file: FoundFile, content: bytes, digest: str) -> PreparedDocument:
        """See `prepare`."""
        return prepare(file, content, digest, self._recipe, self._load)

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """See `checked_vectors`."""
        return checked_vectors(self._embedder, texts, progress)


@contextmanager
def local_preparer(embedder: Embedder, recipe: Recipe) -> Iterator[LocalPreparer]:
    """Reads files in a process that can be killed, and embeds in this one."""
    with Parser(recipe.limits) as parser:
        yield LocalPreparer(embedder, recipe, parser.load)


def prepare(
    file: FoundFile, content: bytes, digest: str, recipe: Recipe, load: Load
) -> PreparedDocument:
    """Read and chunk the document in `content`, whose SHA-256 is `digest`.

    Raises:
        DocumentError: It cannot be read.
    """
    origin = Origin(
        document_id=file.document_id,
        name=file.name,
        path=shown(file.identity),
        content_sha256=digest,
        num_bytes=len(content),
    )
    return prepared(origin, load(file.path.name, content), recipe)


def prepared(origin: Origin, document: LoadedDocument, recipe: Recipe) -> PreparedDocument:
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
        recipe=recipe.id,
        num_bytes=origin.num_bytes,
        num_chars=len(text),
        page_starts=document.page_starts,
    )
    boxes = document.boxes.packed() if document.boxes else None
    chunks = chunk_document(document, recipe.chunking)
    title = document.title or (PurePath(origin.name).stem if origin.path else "")
    texts = tuple(text_to_embed(text, chunk, title) for chunk in chunks)
    return PreparedDocument(
        record=record,
        content=TextRecord(text=text, locations=document.locations, boxes=boxes),
        passages=tuple(_passage(record, *pair) for pair in zip(chunks, texts, strict=True)),
        texts=texts,
    )


def checked_vectors(
    embedder: Embedder, texts: Sequence[str], progress: Progress | None = None
) -> Vectors:
    """What the embedder makes of `texts`: float32 [len(texts), dim], all of them numbers."""
    vectors = embedder.embed(texts, progress=progress)
    if not np.isfinite(vectors).all():
        raise ValueError(f"the embedder {embedder.id!r} gave values that are no numbers")
    return vectors


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


def _passage(record: DocumentRecord, chunk: Chunk, text: str) -> PassageRecord:
    return PassageRecord(
        document_id=record.id,
        start=chunk.start,
        end=chunk.end,
        page=page_at(record.page_starts, chunk.start),
        end_page=page_at(record.page_starts, chunk.end - 1),
        heading=" > ".join(chunk.headings),
        vector_key=hashlib.sha256(text.encode()).digest(),
    )
