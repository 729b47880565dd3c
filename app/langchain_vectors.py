"""Any LangChain vector store in the place of FAISS, when users outgrow one machine.

    embeddings = IndexEmbeddings(embedder)
    store = QdrantVectorStore(client=client, collection_name="docs", embedding=embeddings)
    vectors = LangChainVectors(store, document_filter=qdrant_filter)
    index = Index.open(folder, embedder=embedder, vectors=vectors)

Texts stay in the index: the store gets vectors, and the ids of passages and documents.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from quoth.errors import ConfigError
from quoth.extras import require
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.embedder import Embedder, Vectors
from quoth.retrieval.manifest import Manifest
from quoth.retrieval.remote_vectors import RemoteStoreError, RemoteVector, RemoteVectors

DocumentFilter = Callable[[Sequence[str]], Mapping[str, Any]]


class IndexEmbeddings(Embeddings):
    """What a LangChain store embeds with when it stands behind an index.

    LangChain's stores take texts, not vectors. The index hands them names in the place of texts,
    and this gives the vectors that it has for these names; any other text is embedded.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._given: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def given(self, vectors: Mapping[str, Vectors]) -> Iterator[None]:
        """Within this, these names stand for these vectors. From any thread."""
        with self._lock:
            self._given |= {name: vector.tolist() for name, vector in vectors.items()}
        try:
            yield
        finally:
            with self._lock:
                for name in vectors:
                    self._given.pop(name, None)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text."""
        with self._lock:
            found = {text: self._given[text] for text in texts if text in self._given}
        others = [text for text in texts if text not in found]
        if others:
            found |= dict(zip(others, self._embedder.embed(others).tolist(), strict=True))
        return [found[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        with self._lock:
            given = self._given.get(text)
        return given if given is not None else self._embedder.embed_query(text).tolist()


class LangChainVectors:
    """Opens a LangChain store as the vectors of an index; the `vectors` of `Index.open`.

    The store must have been made with `IndexEmbeddings`, and be of this index only. `name` is what
    the index remembers it by: give another one for another store. `document_filter` gives the
    keyword arguments that let the store find passages of some documents only; without it, filtered
    searches ask for more until enough of the right ones are among them.
    """

    def __init__(
        self,
        store: VectorStore,
        *,
        name: str = "langchain",
        document_filter: DocumentFilter | None = None,
    ) -> None:
        if not isinstance(store.embeddings, IndexEmbeddings):
            raise ConfigError(
                f"The {type(store).__name__} embeds with {type(store.embeddings).__name__}, so it "
                f"would not hold the vectors of the index. Make it with "
                f"quoth.app.langchain_vectors.IndexEmbeddings(embedder)."
            )
        self._remote = _LangChainStore(store, store.embeddings, name, document_filter)

    def __call__(self, folder: Path, store: DocStore, manifest: Manifest) -> RemoteVectors:  # noqa: ARG002 - an OpenVectors
        """The vectors of the index in `folder`."""
        return RemoteVectors(self._remote, store, manifest)


def qdrant_filter(document_ids: Sequence[str]) -> Mapping[str, Any]:
    """The `document_filter` of `langchain_qdrant.QdrantVectorStore`."""
    models = require("qdrant_client.models", extra="qdrant")
    match = models.MatchAny(any=list(document_ids))
    condition = models.FieldCondition(key="metadata.document_id", match=match)
    return {"filter": models.Filter(must=[condition])}


def in_memory_filter(document_ids: Sequence[str]) -> Mapping[str, Any]:
    """The `document_filter` of `langchain_core.vectorstores.InMemoryVectorStore`."""
    wanted = frozenset(document_ids)

    def is_wanted(document: Document) -> bool:
        return document.metadata.get("document_id") in wanted

    return {"filter": is_wanted}


class _LangChainStore:
    """A `RemoteStore`. Entries have UUIDs, the only ids that all stores take."""

    def __init__(
        self,
        store: VectorStore,
        embeddings: IndexEmbeddings,
        name: str,
        document_filter: DocumentFilter | None,
    ) -> None:
        self.name = name
        self._store = store
        self._embeddings = embeddings
        self._filter = document_filter

    def add(self, owner: str, vectors: Sequence[RemoteVector]) -> None:
        """Hold these, in place of what their ids held."""
        rows = {_entry_id(owner, each.passage_id): each.vector for each in vectors}
        metadatas = [
            {"index_id": owner, "passage_id": each.passage_id, "document_id": each.document_id}
            for each in vectors
        ]
        with self._told(), self._embeddings.given(rows):
            self._store.add_texts(list(rows), metadatas, ids=list(rows))

    def remove(self, owner: str, ids: Sequence[int]) -> None:
        """Forget these passages."""
        with self._told():
            self._store.delete([_entry_id(owner, passage_id) for passage_id in ids])

    def propose(
        self, owner: str, query: Vectors, k: int, document_ids: Sequence[str]
    ) -> list[int | None]:
        """The entries nearest to `query`."""
        options = self._filter(document_ids) if self._filter and document_ids else {}
        name = str(uuid.uuid4())
        with self._told(), self._embeddings.given({name: query}):
            found = self._store.similarity_search(name, k=k, **options)
        return [_passage_id(owner, document) for document in found]

    def missing(self, owner: str, ids: Sequence[int]) -> list[int]:
        """Those of `ids` that the store does not hold; none if it cannot tell."""
        try:
            with self._told():
                held = self._store.get_by_ids([_entry_id(owner, each) for each in ids])
        except NotImplementedError:
            return []
        there = {_passage_id(owner, document) for document in held}
        return [passage_id for passage_id in ids if passage_id not in there]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except NotImplementedError:
            raise
        except Exception as error:  # every store has its own
            raise RemoteStoreError(f"{type(error).__name__}: {error}") from error


def _entry_id(owner: str, passage_id: int) -> str:
    return str(uuid.uuid5(uuid.UUID(owner), str(passage_id)))


def _passage_id(owner: str, document: Document) -> int | None:
    metadata = document.metadata
    return int(metadata["passage_id"]) if metadata.get("index_id") == owner else None
