"""The vector store as a dictionary and a matrix product: what FAISS is compared with."""

from collections.abc import Sequence

import numpy as np


class NumpyVectors:
    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._rows: dict[int, np.ndarray] = {}

    def add(self, ids: Sequence[int], vectors: np.ndarray) -> None:
        if vectors.shape != (len(ids), self.dim):
            raise ValueError(f"{len(ids)} ids of dimension {self.dim} got {vectors.shape}")
        if len(set(ids)) != len(ids):
            raise ValueError("an id is given twice")
        self._rows |= dict(zip(ids, vectors, strict=True))

    def remove(self, ids: Sequence[int]) -> None:
        for key in ids:
            self._rows.pop(key, None)

    def search(self, query: np.ndarray, k: int) -> list[tuple[int, float]]:
        scored = [(key, float(row @ query)) for key, row in self._rows.items()]
        return sorted(scored, key=lambda hit: (-hit[1], hit[0]))[:k]

    def ids(self) -> np.ndarray:
        return np.asarray(sorted(self._rows), dtype=np.int64)
