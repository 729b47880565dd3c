"""Documents that nobody wrote: words by Zipf's law, and vectors like an embedder's, or worse.

`clustered`: 500 topics, 40 subjects in each, of uneven size, and every passage off its subject.
`random`: even over the sphere: no vector has near neighbours, no list is likelier than another.
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval import Progress
from quoth.retrieval.records import DocumentRecord, PassageRecord, TextRecord

Vectors = NDArray[np.float32]

DIM = 384
PASSAGES = 10  # of a document
_WORDS = 80  # of a passage
_VOCABULARY = 60_000
_TOPICS, _SUBJECTS = 500, 40
_CLOSENESS = 0.75  # cosine of a question and the passage that it was drawn from


class DrawnEmbedder:
    """Draws vectors for passages; questions have those that they were given."""

    id = "drawn"
    dim = DIM
    max_tokens = 512

    def __init__(self, kind: str) -> None:
        self._draw = np.random.default_rng(11)
        self._is_clustered = kind == "clustered"
        topics = self._draw.standard_normal((_TOPICS, 1, DIM), dtype=np.float32)
        subjects = self._draw.standard_normal((_TOPICS, _SUBJECTS, DIM), dtype=np.float32)
        self._centres = (topics + subjects).reshape(-1, DIM)
        shares = 1 / np.arange(10, len(self._centres) + 10)
        self._shares = self._draw.permutation(shares / shares.sum())
        self.questions: dict[str, Vectors] = {}

    def drawn(self, count: int) -> Vectors:
        """Unit vectors: float32 [count, DIM]."""
        rows = self._draw.standard_normal((count, DIM), dtype=np.float32)
        if self._is_clustered:
            rows += self._centres[self._draw.choice(len(self._centres), count, p=self._shares)]
        return unit(rows)

    def near(self, vectors: Vectors) -> Vectors:
        """Questions about passages: [N, DIM], part of each drawn anew like a passage."""
        other = self.drawn(len(vectors))
        other = unit(other - (other * vectors).sum(axis=1, keepdims=True) * vectors)
        return unit(_CLOSENESS * vectors + np.sqrt(1 - _CLOSENESS**2).astype(np.float32) * other)

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:  # noqa: ARG002
        """Vectors that have nothing to do with the texts."""
        return self.drawn(len(texts))

    def embed_query(self, query: str) -> Vectors:
        """The vector that was drawn for this question."""
        return self.questions[query]


class DrawnWords:
    """A vocabulary, and passages of it."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(12)
        letters = self._draw.integers(97, 123, (_VOCABULARY, 9), dtype=np.uint8)
        lengths = self._draw.integers(2, 10, _VOCABULARY)
        self._words = np.array(
            [bytes(row[:size]).decode() for row, size in zip(letters, lengths, strict=True)]
        )
        shares = 1 / np.arange(3, _VOCABULARY + 3)
        self._bounds = np.cumsum(shares / shares.sum())

    def passages(self, count: int) -> list[str]:
        """Texts of about 450 characters."""
        places = np.searchsorted(self._bounds, self._draw.random((count, _WORDS)))
        rows = self._words[np.minimum(places, _VOCABULARY - 1)]
        return [" ".join(row.tolist()) for row in rows]


def unit(rows: Vectors) -> Vectors:
    """The same directions, at length 1."""
    scaled: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled.astype(np.float32)


def drawn_documents(
    passages: int, embedder: DrawnEmbedder
) -> Iterator[tuple[DocumentRecord, TextRecord, list[PassageRecord]]]:
    """Documents with so many passages in all."""
    words = DrawnWords()
    for first in range(0, passages, 1000 * PASSAGES):
        count = min(1000 * PASSAGES, passages - first)
        texts, vectors = words.passages(count), embedder.drawn(count)
        for start in range(0, count, PASSAGES):
            part = slice(start, start + PASSAGES)
            yield _document(f"{(first + start) // PASSAGES:07}", texts[part], vectors[part])


def _document(
    name: str, texts: list[str], vectors: Vectors
) -> tuple[DocumentRecord, TextRecord, list[PassageRecord]]:
    text = "\n\n".join(texts)
    record = DocumentRecord(
        id=hashlib.sha256(name.encode()).hexdigest()[:20],
        name=f"{name}.txt",
        path=f"/drawn/{name}.txt",
        format="text",
        title="",
        content_sha256=hashlib.sha256(text.encode()).hexdigest(),
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        recipe="drawn",
        num_bytes=len(text),
        num_chars=len(text),
        page_starts=(),
    )
    passages, start = [], 0
    for each, vector in zip(texts, vectors, strict=True):
        passages.append(
            PassageRecord(
                document_id=record.id,
                start=start,
                end=start + len(each),
                page=None,
                end_page=None,
                heading="",
                vector_key=hashlib.sha256(each.encode()).digest(),
                vector=vector.astype("<f4").tobytes(),
            )
        )
        start += len(each) + 2
    return record, TextRecord(text=text), passages
