"""An embedder that keeps its vectors in a file, so that a second run need not wait."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from quoth.retrieval import Embedder, Progress
from quoth.retrieval.embedder import Vectors

_TOGETHER = 512  # texts


class CachedEmbedder:
    """Gives the vectors of `embedder`; each text is read once, whatever run or index asks."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("CREATE TABLE IF NOT EXISTS v (key BLOB PRIMARY KEY, vector BLOB)")
        self.id = embedder.id
        self.dim = embedder.dim
        self.max_tokens = embedder.max_tokens

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """See `Embedder`."""
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _TOGETHER):
            part = texts[start : start + _TOGETHER]
            rows[start : start + len(part)] = self._part(part)
            if progress:
                progress(start + len(part), len(texts), "embedding")
        return rows

    def embed_query(self, query: str) -> Vectors:
        """See `Embedder`."""
        return self._embedder.embed_query(query)

    def _part(self, texts: Sequence[str]) -> Vectors:
        keys = [hashlib.sha256(f"{self.id}\0{text}".encode()).digest() for text in texts]
        known = {key: self._get(key) for key in keys}
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if known[key] is None}
        if fresh:
            vectors = self._embedder.embed(list(fresh.values()))
            made = {key: row.tobytes() for key, row in zip(fresh, vectors, strict=True)}
            self._file.execute("BEGIN")
            self._file.executemany("INSERT OR IGNORE INTO v VALUES (?, ?)", made.items())
            self._file.execute("COMMIT")
            known.update(made)
        return np.stack([np.frombuffer(known[key] or b"", dtype=np.float32) for key in keys])

    def _get(self, key: bytes) -> bytes | None:
        row = self._file.execute("SELECT vector FROM v WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None
