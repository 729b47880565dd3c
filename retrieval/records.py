"""Rows of the database as values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quoth.retrieval.reports import DocumentStatus
from quoth.types import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A row of `documents`."""

    id: str
    name: str
    path: str
    format: str
    title: str
    content_sha256: str
    text_sha256: str
    recipe: str  # how text and passages were made; another recipe makes them again
    num_bytes: int
    num_chars: int
    page_starts: tuple[int, ...]
    modified: float | None = None  # of the file, in seconds since 1970; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRecord:
    """A row of `texts`: the canonical text and what lies beside it."""

    text: str
    locations: tuple[Location, ...] = ()
    boxes: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRecord:
    """A row of `passages`. `vector_key` is the hash of what was embedded."""

    id: int = 0  # given by the database
    document_id: str
    start: int
    end: int
    page: int | None
    end_page: int | None
    heading: str
    vector_key: bytes
    vector: bytes = b""  # float32, little endian


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage with what a search result needs of its document."""

    passage: PassageRecord
    document: str
    format: str
    page_starts: tuple[int, ...]
    text_sha256: str
    content_sha256: str


DOCUMENT_COLUMNS = (
    "id, name, path, format, title, content_sha256, text_sha256, recipe, num_bytes, num_chars, "
    "page_starts, modified"
)
PASSAGE_COLUMNS = "id, document_id, start, end, page, end_page, heading, vector_key"


def document_from(row: Sequence[Any]) -> DocumentRecord:
    """A row of `DOCUMENT_COLUMNS` as a value."""
    names = DOCUMENT_COLUMNS.split(", ")
    values = dict(zip(names, row, strict=True))
    values["page_starts"] = tuple(json.loads(values["page_starts"]))
    return DocumentRecord(**values)


def passage_from(row: Sequence[Any]) -> PassageRecord:
    """A row of `PASSAGE_COLUMNS`, with or without the vector, as a value."""
    names = [*PASSAGE_COLUMNS.split(", "), "vector"][: len(row)]
    return PassageRecord(**dict(zip(names, row, strict=True)))


def document_status(
    record: DocumentRecord, num_passages: int, tags: tuple[str, ...]
) -> DocumentStatus:
    """What the index says about a document."""
    modified = record.modified
    return DocumentStatus(
        document_id=record.id,
        document=record.name,
        path=Path(record.path),
        format=record.format,
        title=record.title,
        num_passages=num_passages,
        num_characters=record.num_chars,
        num_pages=len(record.page_starts) or None,
        content_sha256=record.content_sha256,
        modified=None if modified is None else datetime.fromtimestamp(modified, UTC),
        tags=tags,
    )
