"""Which files the documents of an index lie in: the rows of `files`.

Files with the same bytes are one document, which bears the name of one of them.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from quoth.retrieval.database import Database
from quoth.retrieval.records import FILE_COLUMNS, DocumentRecord, FileRecord


class Files:
    """Reads the rows of `files`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[FileRecord]:
        """All of them, those that were refused too."""
        return [_file(row) for row in self._database.rows(f"SELECT {FILE_COLUMNS} FROM files")]

    def of(self, document_id: str) -> list[FileRecord]:
        """Those that a document lies in, by path."""
        query = f"SELECT {FILE_COLUMNS} FROM files WHERE document_id = ? ORDER BY path"
        return [_file(row) for row in self._database.rows(query, (document_id,))]

    def copies(self) -> dict[str, list[FileRecord]]:
        """By document id, the files of documents apart from those whose names they bear."""
        columns = ", ".join(f"f.{name}" for name in FILE_COLUMNS.split(", "))
        query = (
            f"SELECT {columns} FROM files f JOIN documents d ON d.id = f.document_id "
            f"WHERE f.path != d.path ORDER BY f.path"
        )
        found: dict[str, list[FileRecord]] = {}
        for row in self._database.rows(query):
            file = _file(row)
            found.setdefault(str(file.document_id), []).append(file)
        return found

    def problems(self) -> list[str]:
        """Rows that do not agree with the documents."""
        strays = self._database.rows(
            "SELECT path FROM files WHERE document_id IS NOT NULL "
            "AND document_id NOT IN (SELECT id FROM documents)"
        )
        return [
            *(
                f"{path}: its document is missing; the next sync reads it again"
                for (path,) in strays
            ),
            *(f"{name}: lies in no file; the next sync removes it" for _, name in self.unclaimed()),
        ]

    def unclaimed(self) -> list[tuple[str, str]]:
        """Ids and names of the documents that lie in no file."""
        return self._database.rows(
            "SELECT id, name FROM documents WHERE id NOT IN "
            "(SELECT document_id FROM files WHERE document_id IS NOT NULL)"
        )


def _file(row: Sequence[Any]) -> FileRecord:
    return FileRecord(**dict(zip(FILE_COLUMNS.split(", "), row, strict=True)))


def own_file(document: DocumentRecord) -> FileRecord:
    """The file of a document that is known to lie in one place only."""
    return FileRecord(
        id=document.id, document_id=document.id, name=document.name, path=document.path
    )


def write_files(connection: sqlite3.Connection, files: Sequence[FileRecord]) -> None:
    """Add rows, or put them in the place of those of the same ids."""
    names = FILE_COLUMNS.split(", ")
    connection.executemany(
        f"INSERT OR REPLACE INTO files ({FILE_COLUMNS}) VALUES ({_marks(names)})",
        [tuple(getattr(file, name) for name in names) for file in files],
    )


class Moved(NamedTuple):
    """Documents that a move concerns."""

    homeless: list[str]  # lie in no file any more
    renamed: list[str]  # the name of their file is another one now, whatever folder it lies in


def move_files(
    connection: sqlite3.Connection, files: Sequence[FileRecord], gone: Sequence[str] = ()
) -> Moved:
    """Write and delete rows, and let the documents bear the names of the files they lie in now."""
    ids = [*gone, *(file.id for file in files)]
    touched = {file.document_id: None for file in files} | _documents_of(connection, ids)
    write_files(connection, files)
    connection.executemany("DELETE FROM files WHERE id = ?", [(each,) for each in gone])
    moved = Moved([], [])
    for document_id in touched:
        if document_id is not None:
            _name(connection, document_id, moved)
    return moved


def _documents_of(
    connection: sqlite3.Connection, file_ids: Sequence[str]
) -> dict[str | None, None]:
    query = "SELECT document_id FROM files WHERE id = ?"
    rows = (connection.execute(query, (each,)).fetchone() for each in file_ids)
    return {row[0]: None for row in rows if row}


def _name(connection: sqlite3.Connection, document_id: str, moved: Moved) -> None:
    """Give a document the name of one of its files, its own while that is there."""
    row = connection.execute(
        "SELECT f.name, f.path, d.name FROM files f JOIN documents d ON d.id = f.document_id "
        "WHERE d.id = ? ORDER BY f.path != d.path, f.path LIMIT 1",
        (document_id,),
    ).fetchone()
    if row is None:
        moved.homeless.append(document_id)
        return
    name, path, former = row
    connection.execute(
        "UPDATE documents SET name = ?1, path = ?2 WHERE id = ?3 AND (name, path) != (?1, ?2)",
        (name, path, document_id),
    )
    if PurePath(name).stem != PurePath(former).stem:
        moved.renamed.append(document_id)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
