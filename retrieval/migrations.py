"""The database schema, as the list of steps that lead to it.

Each step runs once, in one transaction with the note of its name. A database that names a step this
list does not have was written by a newer Quoth.
"""

import sqlite3
from collections.abc import Callable

from quoth.errors import IndexFormatError

Migration = Callable[[sqlite3.Connection], None]


def m001_documents_and_passages(connection: sqlite3.Connection) -> None:
    """Documents, their texts, and passages with the vectors that were computed for them."""
    for statement in (
        "CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
        "INSERT INTO state VALUES ('generation', 0)",
        """CREATE TABLE documents (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            path TEXT NOT NULL,
            format TEXT NOT NULL,
            title TEXT NOT NULL,
            content_sha256 TEXT NOT NULL,
            text_sha256 TEXT NOT NULL,
            recipe TEXT NOT NULL,
            num_bytes INTEGER NOT NULL,
            num_chars INTEGER NOT NULL,
            page_starts TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE texts (
            document_id TEXT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
            text BLOB NOT NULL,
            boxes BLOB
        ) STRICT""",
        """CREATE TABLE passages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
            start INTEGER NOT NULL,
            end INTEGER NOT NULL,
            page INTEGER,
            end_page INTEGER,
            heading TEXT NOT NULL,
            vector_key BLOB NOT NULL,
            vector BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX passages_by_document ON passages (document_id, start)",
        "CREATE INDEX passages_by_vector_key ON passages (vector_key)",
    ):
        connection.execute(statement)


def m002_locations(connection: sqlite3.Connection) -> None:
    """Where in their files the parts of texts stand: slides, cells and the like."""
    connection.execute("ALTER TABLE texts ADD COLUMN locations BLOB")


def m003_files(connection: sqlite3.Connection) -> None:
    """The files that documents were read from: several with the same bytes are one document."""
    for statement in (
        """CREATE TABLE files (
            id TEXT PRIMARY KEY,
            document_id TEXT,
            name TEXT NOT NULL,
            path TEXT NOT NULL,
            stamp TEXT NOT NULL,
            reason TEXT NOT NULL,
            recipe TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX files_by_document ON files (document_id)",
        "INSERT INTO files SELECT id, id, name, path, '', '', '' FROM documents",
    ):
        connection.execute(statement)


def m004_tags_and_times(connection: sqlite3.Connection) -> None:
    """What documents can be told apart by: tags that the user gave, and when files were changed."""
    for statement in (
        "ALTER TABLE documents ADD COLUMN modified REAL",
        """CREATE TABLE document_tags (
            document_id TEXT NOT NULL,
            tag TEXT NOT NULL,
            PRIMARY KEY (document_id, tag)
        ) STRICT, WITHOUT ROWID""",
    ):
        connection.execute(statement)


def m005_lexical_index(connection: sqlite3.Connection) -> None:
    """The terms of all passages, and which passages hold them."""
    from quoth.retrieval import lexical

    for statement in lexical.SCHEMA:
        connection.execute(statement)
    rows = connection.execute("SELECT id FROM documents").fetchall()
    lexical.index_again(connection, [document_id for (document_id,) in rows])
    lexical.fold(connection)


def m006_removals(connection: sqlite3.Connection) -> None:
    """Which passages were deleted in which generation, and which file holds most vectors."""
    for statement in (
        """CREATE TABLE removals (
            passage_id INTEGER PRIMARY KEY,
            generation INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX removals_by_generation ON removals (generation)",
        # the generation itself rises at the end of the transaction
        """CREATE TRIGGER passage_removed AFTER DELETE ON passages BEGIN
            INSERT OR REPLACE INTO removals (passage_id, generation)
            SELECT OLD.id, value + 1 FROM state WHERE key = 'generation';
        END""",
        "INSERT INTO state SELECT 'removals_since', value FROM state WHERE key = 'generation'",
        "INSERT INTO state VALUES ('vector_base', 0)",
        "INSERT INTO state VALUES ('vector_kind', 0)",
    ):
        connection.execute(statement)


def m007_remote_vectors(connection: sqlite3.Connection) -> None:
    """Which passages an outside vector store holds; 0 while one is on its way there."""
    connection.execute(
        """CREATE TABLE remote_vectors (
            store TEXT NOT NULL,
            passage_id INTEGER NOT NULL,
            is_there INTEGER NOT NULL,
            PRIMARY KEY (store, passage_id)
        ) STRICT, WITHOUT ROWID"""
    )


MIGRATIONS: tuple[Migration, ...] = (
    m001_documents_and_passages,
    m002_locations,
    m003_files,
    m004_tags_and_times,
    m005_lexical_index,
    m006_removals,
    m007_remote_vectors,
)


def pending(connection: sqlite3.Connection) -> list[Migration]:
    """The steps that this database has not had.

    Raises:
        IndexFormatError: It has had one that is unknown here.
    """
    table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone()
    applied = set()
    if table:
        applied = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    unknown = applied - {step.__name__ for step in MIGRATIONS}
    if unknown:
        raise IndexFormatError(
            f"The index was written by a newer Quoth: it has had the unknown step "
            f"{min(unknown)!r}. Upgrade with: pip install --upgrade quoth"
        )
    return [step for step in MIGRATIONS if step.__name__ not in applied]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date. The connection must be in autocommit mode."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT")
    for step in pending(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if step in pending(connection):  # no other process has done it meanwhile
                step(connection)
                connection.execute("INSERT INTO migrations VALUES (?)", (step.__name__,))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
