"""Plain text: nothing but the text."""

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.decode import decode_text


def load_plain(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
    """Load plain text."""
    return LoadedDocument(text=canonical_text(decode_text(content)), format="text")
