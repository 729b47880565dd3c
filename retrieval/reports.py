"""What the index says about itself and its work."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from quoth.types import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A passage that was found, and what each side of the search said of it.

    `score` orders the hits of one search: the larger, the better. It is the cosine in mode
    "dense", BM25 in mode "lexical", what the fusion made of both in mode "hybrid".
    """

    passage: Passage
    score: float
    dense_rank: int | None = None  # from 1; None: not among those that this side looked at
    dense_score: float | None = None  # cosine similarity to the query, -1 to 1
    lexical_rank: int | None = None
    lexical_score: float | None = None  # BM25, above 0
    duplicates: tuple[Passage, ...] = ()  # passages of the same text that were found too


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that is not in the index, and why, in plain words."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a sync did; all but the last three are numbers of files or documents."""

    added: int  # files that became new documents
    changed: int  # files that have other contents now
    unchanged: int  # files
    removed: int  # documents
    moved: int = 0  # files known by another place now; nothing of them was read again
    duplicates: int = 0  # new files that hold the same as another, and became its copies
    skipped: tuple[SkippedFile, ...]
    passages: int  # of the added and changed documents
    embedded: int  # of these passages, how many the embedder had to read

    @property
    def is_change(self) -> bool:
        """Whether the index holds something else now, or knows it by another name."""
        return bool(self.added + self.changed + self.removed + self.moved + self.duplicates)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStatus:
    """One document of the index."""

    document_id: str
    document: str  # name or path as the user knows it
    path: Path  # where it was read; relative if a root was given to `sync`
    format: str
    title: str
    num_passages: int
    num_characters: int
    num_pages: int | None  # None where the format has none
    content_sha256: str
    copies: tuple[str, ...] = ()  # names of other files that hold the same
    copy_paths: tuple[Path, ...] = ()  # where these were read
    modified: datetime | None = None  # of the file, in UTC
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """The index as a whole."""

    path: Path
    format_version: int
    embedder_id: str
    dim: int
    num_documents: int
    num_passages: int
    num_bytes: int  # of all its files
    vectors: str  # how they are searched: "flat", "sq8", or "ivf" with numbers of lists


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What `Index.verify` found: without problems, the index is sound."""

    problems: tuple[str, ...] = ()
    num_documents: int = 0
    num_passages: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every invariant holds."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What a repair did, in plain words, and what is still wrong."""

    actions: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()  # names of documents that were damaged; the next sync reads them
    problems: tuple[str, ...] = ()
