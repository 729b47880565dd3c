"""Equal words are embedded once: vectors that the database holds are taken from there."""

from collections.abc import Callable, Sequence

from quoth.retrieval.docstore import DocStore
from quoth.retrieval.embedder import Vectors
from quoth.retrieval.preparing import PreparedDocument


def vectors_of(
    store: DocStore,
    documents: Sequence[PreparedDocument],
    embed: Callable[[Sequence[str]], Vectors],
) -> dict[bytes, bytes]:
    """The vectors of all passages by key, as the database holds them: float32, little endian.

    `embed` is called, once, for texts of which the database has no vector.
    """
    texts: dict[bytes, str] = {}
    for document in documents:
        keys = (passage.vector_key for passage in document.passages)
        texts.update(zip(keys, document.texts, strict=True))
    vectors = store.passages.vectors_by_key(list(texts))
    fresh = {key: text for key, text in texts.items() if key not in vectors}
    if fresh:
        made = embed(list(fresh.values()))
        vectors.update(zip(fresh, (row.astype("<f4").tobytes() for row in made), strict=True))
    return vectors
