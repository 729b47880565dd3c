"""Documents with given vectors, put into an index without files and without an embedder."""

import hashlib
from pathlib import Path

import numpy as np

from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.records import DocumentRecord, PassageRecord, TextRecord


def store_document(index: Index, name: str, vectors: np.ndarray) -> list[int]:
    """Put in one passage per vector [N, dim], in place of the former version; their ids."""
    text = "\n".join(f"{name} {number}" for number in range(len(vectors)))
    digest = hashlib.sha256(text.encode()).hexdigest()
    record = DocumentRecord(
        id=name,
        name=name,
        path=f"/{name}",
        format="text",
        title="",
        content_sha256=digest,
        text_sha256=digest,
        recipe="",
        num_bytes=len(text),
        num_chars=len(text),
        page_starts=(),
    )
    passages, start = [], 0
    for row, line in zip(vectors, text.split("\n"), strict=False):
        passages.append(
            PassageRecord(
                document_id=name,
                start=start,
                end=start + len(line),
                page=None,
                end_page=None,
                heading="",
                vector_key=hashlib.sha256(line.encode()).digest(),
                vector=np.asarray(row, dtype="<f4").tobytes(),
            )
        )
        start += len(line) + 1
    index._store.replace(record, TextRecord(text=text), passages)
    return [passage.id for passage in index._store.passages.of(name)]


def clustered(count: int, dim: int, *, seed: int = 0, centres: int = 40) -> np.ndarray:
    """Unit vectors around some centres: float32 [count, dim]."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((centres, dim))[draw.integers(0, centres, count)]
    rows = rows + 0.6 * draw.standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def empty_index(folder: Path, dim: int) -> Index:
    """An index for vectors of this dimension."""
    return Index.create(folder, embedder=HashingEmbedder(dim=dim))


def save(index: Index) -> None:
    """What every change through the index ends with."""
    with index._change(0):
        pass


def exact(stored: dict[int, np.ndarray], query: np.ndarray, k: int) -> list[int]:
    """The ids with the highest cosines, ties by id."""
    scores = {
        key: np.float32(row.astype(float) @ query.astype(float)) for key, row in stored.items()
    }
    return sorted(scores, key=lambda key: (-scores[key], key))[:k]
