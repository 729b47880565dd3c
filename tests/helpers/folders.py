"""Folders of documents, and an embedder that counts what it reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from quoth.retrieval import HashingEmbedder, Progress


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write `files` (by path below `folder`) and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


class CountingEmbedder(HashingEmbedder):
    """Remembers every passage that it was asked to read."""

    def __init__(self, dim: int = 256) -> None:
        super().__init__(dim)
        self.read: list[str] = []

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> np.ndarray:
        self.read.extend(texts)
        return super().embed(texts, progress=progress)

    def embed_query(self, query: str) -> np.ndarray:
        return super().embed([query])[0]
