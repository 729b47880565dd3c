"""An embedder without a model: words and letter groups hashed into a vector.

It knows spelling, not meaning. It loads in no time and gives the same vectors everywhere, which
tests and tiny tools like.
"""

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.progress import Progress

HASHING_NAME = "hashing"
_WORD = re.compile(r"\w+")
_WORD_WEIGHT = 1.0
_TRIGRAM_WEIGHT = 0.25


class HashingEmbedder:
    """Signed feature hashing (Weinberger et al., arXiv 0902.2206) of words and their trigrams."""

    def __init__(self, dim: int = 256) -> None:
        if dim < 1:
            raise ValueError(f"dim must be positive, got {dim}")
        self.id = HASHING_NAME if dim == 256 else f"{HASHING_NAME}-{dim}"
        self.dim = dim
        self.max_tokens = 1 << 16

    def embed(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Vectors of unit length, float32 [len(texts), dim]."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature, weight in _features(text):
                code = zlib.crc32(feature.encode())
                sign = 1.0 if code & 1 else -1.0
                vectors[row, (code >> 1) % self.dim] += sign * weight
            norm = float(np.linalg.norm(vectors[row]))
            if norm:
                vectors[row] /= norm
            else:
                vectors[row, 0] = 1.0  # no word at all: some direction, as unit length is promised
        if progress and texts:
            progress(len(texts), len(texts), "embedding")
        return vectors

    def embed_query(self, query: str) -> NDArray[np.float32]:
        """The vector of a question, of unit length: float32 [dim]."""
        vector: NDArray[np.float32] = self.embed([query])[0]
        return vector


def _features(text: str) -> Iterator[tuple[str, float]]:
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        yield word, _WORD_WEIGHT
        padded = f"^{word}$"
        for place in range(len(padded) - 2):
            yield f"3:{padded[place : place + 3]}", _TRIGRAM_WEIGHT
