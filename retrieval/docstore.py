"""Documents, texts, passages and vectors in SQLite: the truth that everything else is made from.

Every change of a document is one transaction, and raises the database's `generation` by one.
"""

import json
import sqlite3
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

from quoth.errors import InputError
from quoth.retrieval import lexical
from quoth.retrieval.database import Database
from quoth.retrieval.filing import Files, move_files, own_file, write_files
from quoth.retrieval.locations import locations_within, packed, unpacked
from quoth.retrieval.passages import Passages
from quoth.retrieval.records import (
    DOCUMENT_COLUMNS,
    VERSION_COLUMNS,
    DocumentRecord,
    DocumentVersion,
    FileRecord,
    PassageRecord,
    TextRecord,
    document_from,
)
from quoth.retrieval.stored_vectors import StoredVectors
from quoth.types import Location, location_between


class DocStore:
    """What an index holds: read through `documents` and `passages`, changed as whole documents."""

    def __init__(self, folder: Path, *, create: bool = False, as_it_is: bool = False) -> None:
        self.database = Database(folder, create=create, as_it_is=as_it_is)
        self.documents = Documents(self.database)
        self.files = Files(self.database)
        self.passages = Passages(self.database)
        self.vectors = StoredVectors(self.database, folder)

    def close(self) -> None:
        """Let go of the files."""
        self.database.close()

    def replace(
        self,
        document: DocumentRecord,
        content: TextRecord,
        passages: Sequence[PassageRecord],
        file: FileRecord | None = None,
    ) -> None:
        """Put a document in, or in the place of its former version, in one transaction.

        `file` is where it was read; by default a file of the document's own id, name and path, and
        it lies in no other then.
        """
        terms = [
            lexical.passage_terms(
                document.title, document.name, p.heading, content.text[p.start : p.end]
            )
            for p in passages
        ]
        with self.database.change() as connection:
            connection.execute("DELETE FROM documents WHERE id = ?", (document.id,))
            _insert(connection, document, content, passages)
            query = "SELECT id FROM passages WHERE document_id = ? ORDER BY id"
            ids = [key for (key,) in connection.execute(query, (document.id,))]
            lexical.add(connection, zip(ids, terms, strict=True))
            if file is None:
                connection.execute("DELETE FROM files WHERE document_id = ?", (document.id,))
            moved = move_files(connection, [file or own_file(document)])
            lexical.index_again(connection, set(moved.renamed) - {document.id})

    def remove(self, document_id: str) -> None:
        """Delete a document and all that belongs to it, in one transaction."""
        with self.database.change() as connection:
            _delete(connection, document_id)

    def place(self, files: Sequence[FileRecord], gone: Sequence[str] = ()) -> list[str]:
        """Say where documents lie now, and delete those that lie nowhere, in one transaction.

        Args:
            files: Rows of `files` to add or change.
            gone: Ids of rows to delete.

        Returns:
            The ids of the documents that were deleted.
        """
        with self.database.change() as connection:
            homeless, renamed = move_files(connection, files, gone)
            for document_id in homeless:
                _delete(connection, document_id)
            lexical.index_again(connection, renamed)  # by their names they are found, too
        return homeless

    def note_files(self, files: Sequence[FileRecord]) -> None:
        """Write rows of `files` that leave documents and their names as they are."""
        with self.database.note() as connection:
            write_files(connection, files)

    def tag(self, document_id: str, tags: Collection[str]) -> None:
        """Give a document these tags, and no others. They stay when the document changes.

        Raises:
            InputError: They are a single text.
        """
        if isinstance(tags, str):
            raise InputError(f"The tags are {tags!r}; they must be several texts. Give a list.")
        with self.database.change() as connection:
            connection.execute("DELETE FROM document_tags WHERE document_id = ?", (document_id,))
            connection.executemany(
                "INSERT INTO document_tags VALUES (?, ?)", [(document_id, tag) for tag in set(tags)]
            )

    def fold(self) -> None:
        """Merge what is waiting into the lexical index; what was deleted leaves the disk."""
        if self.database.rows(lexical.HAS_UNFOLDED)[0][0]:
            with self.database.change() as connection:
                lexical.fold(connection)


def _insert(
    connection: sqlite3.Connection,
    document: DocumentRecord,
    content: TextRecord,
    passages: Sequence[PassageRecord],
) -> None:
    """Write the rows of a document that is not there."""
    values = (
        document.id, document.name, document.path, document.format, document.title,
        document.content_sha256, document.text_sha256, document.recipe, document.num_bytes,
        document.num_chars, json.dumps(document.page_starts), document.modified,
    )  # fmt: skip
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO documents ({DOCUMENT_COLUMNS}) VALUES ({marks})", values)
    text = zlib.compress(content.text.encode(), 6)
    connection.execute(
        "INSERT INTO texts (document_id, text, boxes, locations) VALUES (?, ?, ?, ?)",
        (document.id, text, content.boxes, packed(content.locations)),
    )
    connection.executemany(
        "INSERT INTO passages (document_id, start, end, page, end_page, heading, vector_key, "
        "vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (p.document_id, p.start, p.end, p.page, p.end_page, p.heading, p.vector_key, p.vector)
            for p in passages
        ],
    )


def _delete(connection: sqlite3.Connection, document_id: str) -> None:
    connection.execute("DELETE FROM files WHERE document_id = ?", (document_id,))
    connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))
    connection.execute("DELETE FROM document_tags WHERE document_id = ?", (document_id,))


class Documents:
    """Reads documents and their texts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[DocumentRecord]:
        """All documents, by name."""
        query = f"SELECT {DOCUMENT_COLUMNS} FROM documents ORDER BY name, id"
        return [document_from(row) for row in self._database.rows(query)]

    def count(self) -> int:
        """Number of documents."""
        return int(self._database.rows("SELECT count(*) FROM documents")[0][0])

    def get(self, document_id: str) -> DocumentRecord | None:
        """One document."""
        query = f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE id = ?"
        rows = self._database.rows(query, (document_id,))
        return document_from(rows[0]) if rows else None

    def versions(self) -> list[DocumentVersion]:
        """What all documents were made from."""
        query = f"SELECT {VERSION_COLUMNS} FROM documents ORDER BY id"
        return [DocumentVersion(*row) for row in self._database.rows(query)]

    def tags(self) -> dict[str, tuple[str, ...]]:
        """The tags of those documents that have some."""
        found: dict[str, tuple[str, ...]] = {}
        query = "SELECT document_id, tag FROM document_tags ORDER BY document_id, tag"
        for document_id, tag in self._database.rows(query):
            found[document_id] = (*found.get(document_id, ()), tag)
        return found

    def text(self, document_id: str) -> str | None:
        """The canonical text of a document."""
        rows = self._database.rows("SELECT text FROM texts WHERE document_id = ?", (document_id,))
        return self._unpacked(rows[0][0]) if rows else None

    def text_version(
        self, document_id: str, text_sha256: str, content_sha256: str
    ) -> TextRecord | None:
        """One version of the canonical text, without boxes; None if it has changed since."""
        rows = self._database.rows(
            "SELECT t.text, t.locations FROM texts t JOIN documents d ON d.id = t.document_id "
            "WHERE d.id = ? AND d.text_sha256 = ? AND d.content_sha256 = ?",
            (document_id, text_sha256, content_sha256),
        )
        if not rows:
            return None
        return TextRecord(text=self._unpacked(rows[0][0]), locations=self._located(rows[0][1]))

    def locations(self, document_id: str) -> tuple[Location, ...]:
        """What the loader of a document told of where its parts stand."""
        query = "SELECT locations FROM texts WHERE document_id = ?"
        rows = self._database.rows(query, (document_id,))
        return self._located(rows[0][0]) if rows else ()

    def location(self, document: DocumentRecord, start: int, end: int) -> str:
        """Where in its file `[start, end)` of a document stands; empty if not known."""
        found = locations_within(
            text=self.text(document.id) or "",
            format=document.format,
            page_starts=document.page_starts,
            told=self.locations(document.id),
            start=start,
            end=end,
        )
        if found:
            return location_between(found, start, end)
        rows = self._database.rows(
            "SELECT heading FROM passages WHERE document_id = ? AND start <= ? AND end > ? "
            "ORDER BY start DESC LIMIT 1",
            (document.id, start, start),
        )
        return str(rows[0][0]) if rows else ""

    def boxes(self, document_id: str) -> bytes | None:
        """The packed word boxes of a document."""
        rows = self._database.rows("SELECT boxes FROM texts WHERE document_id = ?", (document_id,))
        return rows[0][0] if rows else None

    def _located(self, content: bytes | None) -> tuple[Location, ...]:
        try:
            return unpacked(content)
        except ValueError as error:
            raise self._database.damaged("A list of locations in", error) from error

    def _unpacked(self, content: bytes) -> str:
        try:
            return zlib.decompress(content).decode()
        except (zlib.error, UnicodeDecodeError) as error:
            raise self._database.damaged("A text in", error) from error
