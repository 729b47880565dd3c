"""Documents, texts, passages and vectors in SQLite: the truth that everything else is made from.

One connection reads and one writes, each behind a lock, so that any thread may call. Every change
of a document is one transaction, and raises `generation` by one.
"""

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from quoth.errors import IndexFailure, IndexFormatError
from quoth.retrieval.manifest import rebuild_advice
from quoth.retrieval.migrations import migrate, pending
from quoth.retrieval.records import (
    DOCUMENT_COLUMNS,
    PASSAGE_COLUMNS,
    DocumentRecord,
    Hit,
    PassageRecord,
    document_from,
    passage_from,
)

DATABASE = "index.sqlite3"
_BUSY_S = 10.0
_PLACES = 500  # parameters of one statement
_NOT_DAMAGE = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
_T = TypeVar("_T")


class DocStore:
    """The database of one index folder."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self._folder = folder
        self._path = folder / DATABASE
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        if not create and not self._path.is_file():
            raise IndexFormatError(f"{self._path} is missing. {rebuild_advice(folder)}")
        self._read_only = not _is_writable(self._path, create=create)
        with self._told():
            self._writer = self._connect()
            self._prepare()
            self._reader = self._connect()

    def close(self) -> None:
        """Let go of the files; the last one to close folds the log into the database."""
        with self._read_lock, self._write_lock:
            self._reader.close()
            self._writer.close()

    def generation(self) -> int:
        """How many changes the database has seen."""
        return int(self._all("SELECT value FROM state WHERE key = 'generation'")[0][0])

    def documents(self) -> list[DocumentRecord]:
        """All documents, by name."""
        return [
            document_from(row)
            for row in self._all(f"SELECT {DOCUMENT_COLUMNS} FROM documents ORDER BY name, id")
        ]

    def document(self, document_id: str) -> DocumentRecord | None:
        """One document."""
        rows = self._all(f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE id = ?", (document_id,))
        return document_from(rows[0]) if rows else None

    def text(self, document_id: str) -> str | None:
        """The canonical text of a document."""
        rows = self._all("SELECT text FROM texts WHERE document_id = ?", (document_id,))
        return self._unpacked(rows[0][0]) if rows else None

    def text_version(self, document_id: str, text_sha256: str) -> str | None:
        """One version of the canonical text; None if the document has changed since."""
        rows = self._all(
            "SELECT t.text FROM texts t JOIN documents d ON d.id = t.document_id "
            "WHERE d.id = ? AND d.text_sha256 = ?",
            (document_id, text_sha256),
        )
        return self._unpacked(rows[0][0]) if rows else None

    def boxes(self, document_id: str) -> bytes | None:
        """The packed word boxes of a document."""
        rows = self._all("SELECT boxes FROM texts WHERE document_id = ?", (document_id,))
        return rows[0][0] if rows else None

    def hits(self, ids: Sequence[int]) -> dict[int, Hit]:
        """Those of the passages that exist, without vectors, with their documents."""
        found = {}
        columns = ", ".join(f"p.{name}" for name in PASSAGE_COLUMNS.split(", "))
        for part in _parts(ids):
            query = (
                f"SELECT {columns}, d.name, d.text_sha256 FROM passages p "
                f"JOIN documents d ON d.id = p.document_id WHERE p.id IN ({_marks(part)})"
            )
            for *row, name, digest in self._all(query, part):
                passage = passage_from(row)
                found[passage.id] = Hit(passage=passage, document=name, text_sha256=digest)
        return found

    def passages_of(self, document_id: str) -> list[PassageRecord]:
        """All passages of a document, by offset, with vectors."""
        query = (
            f"SELECT {PASSAGE_COLUMNS}, vector FROM passages WHERE document_id = ? "
            f"ORDER BY start, id"
        )
        return [passage_from(row) for row in self._all(query, (document_id,))]

    def passage_ids(self) -> list[int]:
        """All passage ids, ascending."""
        return [row[0] for row in self._all("SELECT id FROM passages ORDER BY id")]

    def passage_counts(self) -> dict[str, int]:
        """Number of passages by document id."""
        rows = self._all("SELECT document_id, count(*) FROM passages GROUP BY document_id")
        return dict(rows)

    def vectors(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The vectors of those passages that exist."""
        found: dict[int, bytes] = {}
        for part in _parts(ids):
            query = f"SELECT id, vector FROM passages WHERE id IN ({_marks(part)})"
            found.update(self._all(query, part))
        return found

    def vectors_by_key(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Vectors that were computed before for the same text."""
        found: dict[bytes, bytes] = {}
        for part in _parts(keys):
            query = f"SELECT vector_key, vector FROM passages WHERE vector_key IN ({_marks(part)})"
            found.update(self._all(query, part))
        return found

    def replace(
        self,
        document: DocumentRecord,
        text: str,
        boxes: bytes | None,
        passages: Sequence[PassageRecord],
    ) -> None:
        """Put a document in, or in the place of its former version, in one transaction."""
        values = (
            document.id, document.name, document.path, document.format, document.title,
            document.content_sha256, document.text_sha256, document.recipe, document.num_bytes,
            document.num_chars, json.dumps(document.page_starts),
        )  # fmt: skip
        rows = [
            (p.document_id, p.start, p.end, p.page, p.end_page, p.heading, p.vector_key, p.vector)
            for p in passages
        ]
        with self._change() as connection:
            connection.execute("DELETE FROM documents WHERE id = ?", (document.id,))
            connection.execute(
                f"INSERT INTO documents ({DOCUMENT_COLUMNS}) VALUES ({_marks(values)})", values
            )
            packed = zlib.compress(text.encode(), 6)
            connection.execute("INSERT INTO texts VALUES (?, ?, ?)", (document.id, packed, boxes))
            connection.executemany(
                "INSERT INTO passages (document_id, start, end, page, end_page, heading, "
                "vector_key, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def remove(self, document_id: str) -> None:
        """Delete a document and all that belongs to it, in one transaction."""
        with self._change() as connection:
            connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))

    def rename(self, document_id: str, name: str) -> None:
        """Let the user know a document by another name."""
        with self._change() as connection:
            connection.execute("UPDATE documents SET name = ? WHERE id = ?", (name, document_id))

    def integrity_problems(self) -> list[str]:
        """What SQLite itself finds wrong."""
        rows = self._all("PRAGMA integrity_check(20)")
        problems = [f"database: {row[0]}" for row in rows if row[0] != "ok"]
        strays = self._all("PRAGMA foreign_key_check")
        return problems + [f"database: a row of {row[0]} belongs to nothing" for row in strays]

    def _connect(self) -> sqlite3.Connection:
        uri = self._path.resolve().as_uri() + ("?immutable=1" if self._read_only else "")
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    def _prepare(self) -> None:
        if self._read_only:
            if pending(self._writer):
                raise IndexFormatError(
                    f"The index in {self._folder} is of an older format and cannot be written to. "
                    f"Copy it to a folder of yours."
                )
            return
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")  # vectors.faiss must never be ahead
        self._writer.execute("PRAGMA secure_delete = ON")  # deletes are real
        migrate(self._writer)

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._read_lock, self._told():
            return self._reader.execute(query, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock, self._told():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("UPDATE state SET value = value + 1 WHERE key = 'generation'")
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite raises into what the user can act on."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGE:
                raise IndexFailure(f"The database {self._path} cannot be used: {error}.") from error
            raise IndexFormatError(
                f"The index database {self._path} is damaged: {error}. "
                f"{rebuild_advice(self._folder)}"
            ) from error

    def _unpacked(self, packed: bytes) -> str:
        try:
            return zlib.decompress(packed).decode()
        except (zlib.error, UnicodeDecodeError) as error:
            raise IndexFormatError(
                f"A text in {self._path} is damaged: {error}. {rebuild_advice(self._folder)}"
            ) from error


def _is_writable(path: Path, *, create: bool) -> bool:
    places = [path.parent] if create else [path, path.parent]
    return all(os.access(place, os.W_OK) for place in places)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Sequence[_T]) -> Iterator[list[_T]]:
    for start in range(0, len(values), _PLACES):
        yield list(values[start : start + _PLACES])
