"""Text in, passages with exact offsets out: loaders, chunking, embedding, stores, search.

This layer knows nothing of language models, prompts or user interfaces. Models and parsers load
when they are first needed, not here.
"""

from quoth.retrieval.adding import TextDocument
from quoth.retrieval.chunking import ChunkingConfig
from quoth.retrieval.documents import LoadLimits, PageRect
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.embedding import DEFAULT_EMBEDDER, load_embedder
from quoth.retrieval.filters import Filters
from quoth.retrieval.hashing import HashingEmbedder
from quoth.retrieval.index import Index
from quoth.retrieval.progress import Progress
from quoth.retrieval.reports import (
    DocumentStatus,
    IndexStatus,
    RepairReport,
    SearchHit,
    SkippedFile,
    SyncReport,
    VerifyReport,
)
from quoth.retrieval.search_options import MODES, SearchOptions
from quoth.retrieval.watching import WatchEvent, watch

__all__ = [
    "DEFAULT_EMBEDDER",
    "MODES",
    "ChunkingConfig",
    "DocumentStatus",
    "Embedder",
    "Filters",
    "HashingEmbedder",
    "Index",
    "IndexStatus",
    "LoadLimits",
    "PageRect",
    "Progress",
    "RepairReport",
    "SearchHit",
    "SearchOptions",
    "SkippedFile",
    "SyncReport",
    "TextDocument",
    "VerifyReport",
    "WatchEvent",
    "load_embedder",
    "watch",
]
