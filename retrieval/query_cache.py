"""The vectors of the questions asked last: asking again, or filtering otherwise, embeds nothing."""

from collections import OrderedDict
from threading import Lock

from quoth.retrieval.embedder import Embedder, Vectors

_QUESTIONS = 512
_LONGEST = 10_000  # characters of a question that is kept


class QueryCache:
    """Least recently used questions leave first. From any thread."""

    def __init__(self, most: int = _QUESTIONS) -> None:
        self._most = most
        self._vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def vector(self, embedder: Embedder, query: str) -> Vectors:
        """The vector of `query`, unit length [dim]; not to be written to."""
        key = (embedder.id, query)
        with self._lock:
            known = self._vectors.get(key)
            if known is not None:
                self._vectors.move_to_end(key)
                return known
        vector = embedder.embed_query(query).copy()
        vector.setflags(write=False)
        if len(query) <= _LONGEST:
            with self._lock:
                self._vectors[key] = vector
                while len(self._vectors) > self._most:
                    self._vectors.popitem(last=False)
        return vector
