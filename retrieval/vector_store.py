"""What holds the vectors that search looks through: FAISS beside the database, or another store.

The database is the truth; a vector store is made from it, and says how it differs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from quoth.retrieval.docstore import DocStore
from quoth.retrieval.manifest import Manifest
from quoth.retrieval.vectors import Ids, Vectors


class VectorStore(Protocol):
    """The vectors of the passages of one index, under their ids. Any thread may call."""

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """Ids and cosines, best first, at most `k`, for a query of unit length [dim].

        With `allowed` (ascending), only these passages are found.
        """
        ...

    def save(self) -> None:
        """Bring what outlives this process up to date. Only for the holder of the writer's lock."""
        ...

    def form(self) -> str:
        """How vectors are searched, in words."""
        ...

    def problems(self) -> list[str]:
        """How the store differs from the database."""
        ...


OpenVectors = Callable[[Path, DocStore, Manifest], VectorStore]
