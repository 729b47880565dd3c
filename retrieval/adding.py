"""Texts that come from no file go into the index by the same steps as files do."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from quoth.errors import InputError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.documents import LoadedDocument
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.preparing import Origin, PreparedDocument, Recipe, checked_vectors, prepared
from quoth.retrieval.progress import Progress
from quoth.retrieval.vector_reuse import vectors_of

_TOGETHER = 512  # documents that are embedded in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDocument:
    """A document given as text. An id that the index holds already gets the new text."""

    id: str
    text: str
    name: str = ""  # as the user knows it; empty: the id
    title: str = ""  # read by the embedder with every passage; no part of the text

    def __post_init__(self) -> None:
        if not self.id:
            raise InputError("A text needs an id that is not empty.")
        if not canonical_text(self.text).strip():
            raise InputError(f"The text {self.id!r} is empty. Leave it out, or give its words.")


def add_texts(
    store: DocStore,
    embedder: Embedder,
    recipe: Recipe,
    documents: Sequence[TextDocument],
    progress: Progress | None = None,
) -> int:
    """Put `documents` in, each in its own transaction; return how many passages they made.

    Raises:
        InputError: Two of them have the same id; nothing was changed.
    """
    if len({document.id for document in documents}) != len(documents):
        raise InputError("Two of the texts have the same id. Give each its own.")
    num_passages = 0
    for start in range(0, len(documents), _TOGETHER):
        part = [_prepared(one, recipe) for one in documents[start : start + _TOGETHER]]
        vectors = vectors_of(store, part, partial(checked_vectors, embedder))
        for document in part:
            store.replace(document.record, document.content, document.with_vectors(vectors))
            num_passages += len(document.passages)
        if progress:
            progress(start + len(part), len(documents), "texts")
    return num_passages


def _prepared(document: TextDocument, recipe: Recipe) -> PreparedDocument:
    content = document.text.encode("utf-8", "replace")
    text = canonical_text(document.text)
    origin = Origin(
        document_id=document.id,
        name=document.name or document.id,
        path="",
        content_sha256=hashlib.sha256(content).hexdigest(),
        num_bytes=len(content),
    )
    title = canonical_text(document.title).strip()
    return prepared(origin, LoadedDocument(text=text, format="text", title=title), recipe)
