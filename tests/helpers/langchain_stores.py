"""LangChain stores that really run here: that of the core, and Qdrant in local mode."""

from pathlib import Path

from langchain_core.vectorstores import InMemoryVectorStore, VectorStore

from quoth.app.langchain_vectors import (
    IndexEmbeddings,
    LangChainVectors,
    in_memory_filter,
    qdrant_filter,
)
from quoth.retrieval import HashingEmbedder

COLLECTION = "passages"
FILTERS = {"qdrant": qdrant_filter, "memory": in_memory_filter}


def qdrant_store(folder: Path | None = None, *, kind: type | None = None) -> VectorStore:
    """A Qdrant collection in `folder`, or in memory; of the class `kind`."""
    from langchain_qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(folder)) if folder else QdrantClient(":memory:")
    if not client.collection_exists(COLLECTION):
        size = models.VectorParams(size=HashingEmbedder().dim, distance=models.Distance.COSINE)
        client.create_collection(COLLECTION, vectors_config=size)
    embeddings = IndexEmbeddings(HashingEmbedder())
    return (kind or QdrantVectorStore)(client, COLLECTION, embedding=embeddings)


def memory_store() -> InMemoryVectorStore:
    return InMemoryVectorStore(IndexEmbeddings(HashingEmbedder()))


def held_passages(store: VectorStore) -> list[int]:
    """The passage ids in a store, ascending, however often they are there."""
    if isinstance(store, InMemoryVectorStore):
        return sorted(row["metadata"]["passage_id"] for row in store.store.values())
    points, _ = store.client.scroll(COLLECTION, limit=10_000)
    return sorted(point.payload["metadata"]["passage_id"] for point in points)


def as_vectors(store: VectorStore, *, filtering: bool = True) -> LangChainVectors:
    kind = "memory" if isinstance(store, InMemoryVectorStore) else "qdrant"
    return LangChainVectors(store, document_filter=FILTERS[kind] if filtering else None)
