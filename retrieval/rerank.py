"""Reading question and passage together: slower than comparing vectors, and better at it."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from quoth.errors import ModelLoadError
from quoth.retrieval.turns import Turns


class Reranker(Protocol):
    """Says how well passages answer a question."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score for each text; the larger, the better. From any thread."""
        ...


class Rerankers:
    """The rerankers in use, each loaded once."""

    def __init__(self, load: Callable[[str], Reranker] | None = None) -> None:
        self._load = load or CrossEncoderReranker
        self._loaded: dict[str, Reranker] = {}
        self._lock = Lock()

    def get(self, name: str) -> Reranker:
        """The reranker of this name, or in this folder.

        Raises:
            ModelLoadError: There is no such model here, or it cannot be read.
        """
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder. Code that comes with a model is never run.

    Nogueira and Cho, "Passage Re-ranking with BERT", arXiv 1901.04085.
    """

    def __init__(self, name: str) -> None:
        from sentence_transformers import CrossEncoder

        from quoth.retrieval.embedding import quiet

        try:
            with quiet():
                self._model = CrossEncoder(name, trust_remote_code=False)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ModelLoadError(
                f"The reranker {name!r} could not be loaded: {reason}. Give --rerank the folder of "
                f"a downloaded cross-encoder, go online if the model is on a hub, or leave it out."
            ) from error
        self._turns = Turns()

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score for each text; the larger, the better."""
        if not texts:
            return []
        with self._turns.urgent():
            found = self._model.predict(
                [(query, text) for text in texts], show_progress_bar=False, convert_to_numpy=True
            )
        return [float(score) for score in found]
