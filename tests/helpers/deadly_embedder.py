"""An embedder that kills its own process at certain texts."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from quoth.retrieval import HashingEmbedder, Progress


class DeadlyEmbedder(HashingEmbedder):
    """Dies at texts with the word POISON; at CRASH, it deletes `fuse` and dies if it was there."""

    def __init__(self, fuse: Path | None = None) -> None:
        super().__init__()
        self._fuse = fuse

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> np.ndarray:
        if any("POISON" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fuse and self._fuse.exists() and any("CRASH" in text for text in texts):
            self._fuse.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(texts, progress=progress)
