"""What an embedder is, for those who use one without knowing any."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.progress import Progress

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Gives texts of like meaning vectors of like direction."""

    @property
    def id(self) -> str:
        """What an index remembers it by."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read; the rest is ignored."""
        ...

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Vectors of passages, of unit length: float32 [len(texts), dim]. From any thread."""
        ...

    def embed_query(self, query: str) -> Vectors:
        """The vector of a question, of unit length: float32 [dim]. From any thread.

        Some models read questions and passages differently (E5, BGE: "query: ", "passage: ").
        """
        ...
