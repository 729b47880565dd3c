"""Reads the passages of an index."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeVar

from quoth.retrieval.database import Database
from quoth.retrieval.records import PASSAGE_COLUMNS, Hit, PassageRecord, passage_from

_PLACES = 500  # parameters of one statement
_T = TypeVar("_T")


class Passages:
    """Reads passages and their vectors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hits(self, ids: Sequence[int]) -> dict[int, Hit]:
        """Those of the passages that exist, without vectors, with their documents."""
        found = {}
        columns = ", ".join(f"p.{name}" for name in PASSAGE_COLUMNS.split(", "))
        for part in _parts(ids):
            query = (
                f"SELECT {columns}, d.name, d.format, d.page_starts, d.text_sha256, "
                f"d.content_sha256, (SELECT json_group_array(f.name) FROM files f "
                f"WHERE f.document_id = d.id AND f.path != d.path) "
                f"FROM passages p JOIN documents d ON d.id = p.document_id "
                f"WHERE p.id IN ({_marks(part)})"
            )
            for *row, name, kind, page_starts, text_digest, digest, copies in self._database.rows(
                query, part
            ):
                passage = passage_from(row)
                found[passage.id] = Hit(
                    passage=passage,
                    document=name,
                    format=kind,
                    page_starts=tuple(json.loads(page_starts)),
                    text_sha256=text_digest,
                    content_sha256=digest,
                    copies=tuple(sorted(json.loads(copies))),
                )
        return found

    def of(self, document_id: str) -> list[PassageRecord]:
        """All passages of a document, by offset, with vectors."""
        query = (
            f"SELECT {PASSAGE_COLUMNS}, vector FROM passages WHERE document_id = ? "
            f"ORDER BY start, id"
        )
        return [passage_from(row) for row in self._database.rows(query, (document_id,))]

    def counts(self) -> dict[str, int]:
        """Number of passages by document id."""
        query = "SELECT document_id, count(*) FROM passages GROUP BY document_id"
        return dict(self._database.rows(query))

    def vectors_by_key(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Vectors that were computed before for the same text."""
        found: dict[bytes, bytes] = {}
        for part in _parts(keys):
            query = f"SELECT vector_key, vector FROM passages WHERE vector_key IN ({_marks(part)})"
            found.update(self._database.rows(query, part))
        return found


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Sequence[_T]) -> Iterator[list[_T]]:
    for start in range(0, len(values), _PLACES):
        yield list(values[start : start + _PLACES])
