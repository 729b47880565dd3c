"""The SQLite file of an index: its connections, its changes, and what SQLite's errors mean.

One connection reads and one writes, each behind a lock, so that any thread may call.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quoth.errors import IndexFailure, IndexFormatError, InputError
from quoth.retrieval.manifest import repair_advice
from quoth.retrieval.migrations import migrate, pending

DATABASE = "index.sqlite3"
_BUSY_S = 10.0
_CACHE_KIB = 32_768  # of pages: a search of a million passages touches many
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DAMAGE_TEXTS = (  # these have only SQLite's common error code, or none
    "no such table",
    "no such column",
    "has no column named",
    "Could not decode to UTF-8",
)
_IN_USE = "Another program is using it; try again when that is done."
_NO_ACCESS = "Check that you may write to its folder, or give another with --index."
_REMEDIES = {
    sqlite3.SQLITE_FULL: "Make room on the disk and try again.",
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_READONLY: _NO_ACCESS,
    sqlite3.SQLITE_CANTOPEN: _NO_ACCESS,
    sqlite3.SQLITE_PERM: _NO_ACCESS,
    sqlite3.SQLITE_IOERR: "Check the disk and try again.",
}


class Database:
    """The database of one index folder."""

    def __init__(self, folder: Path, *, create: bool = False, as_it_is: bool = False) -> None:
        """With `as_it_is`, what tells of the state of a damaged database is not looked at."""
        self._folder = folder
        self._path = folder / DATABASE
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        if not create and not self._path.is_file():
            raise IndexFormatError(f"{self._path} is missing. {repair_advice(folder)}")
        self._read_only = not _is_writable(self._path, create=create)
        if self._read_only:
            self._check_log()
        try:
            with self._told():
                self._writer = self._connect()
                if not as_it_is:
                    self._prepare()
                self._reader = self._connect()
                if not as_it_is:  # SQLite reads the schema for this
                    self._reader.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files; the last one to close folds the log into the database."""
        with self._read_lock, self._write_lock:
            while self._connections:
                self._connections.pop().close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows that `query` gives."""
        with self._read_lock, self._told():
            self._check_open()
            return self._reader.execute(query, values).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one state of the database."""
        with self._read_lock, self._told():
            self._check_open()
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("ROLLBACK")

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which raises `generation` by one."""
        with self.note() as connection:
            yield connection
            connection.execute("UPDATE state SET value = value + 1 WHERE key = 'generation'")

    @contextmanager
    def note(self) -> Iterator[sqlite3.Connection]:
        """One transaction on what search does not see."""
        with self._write_lock, self._told():
            self._check_open()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def fold_log(self) -> None:
        """Write the log into the database and empty it: what was deleted leaves the disk.

        Where a reader is in the way, it waits; then the next change does it, or the last to close.
        """
        with self._write_lock, self._told():
            self._check_open()
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def generation(self) -> int:
        """How many changes the database has seen."""
        return int(self.rows("SELECT value FROM state WHERE key = 'generation'")[0][0])

    def integrity_problems(self) -> list[str]:
        """What SQLite itself finds wrong."""
        return self.damage() + self.strays()

    def damage(self) -> list[str]:
        """What is wrong with the file."""
        rows = self.rows("PRAGMA integrity_check(20)")
        return [f"database: {row[0]}" for row in rows if row[0] != "ok"]

    def strays(self) -> list[str]:
        """Rows that belong to nothing."""
        strays = self.rows("PRAGMA foreign_key_check")
        return [f"database: a row of {row[0]} belongs to nothing" for row in strays]

    def make_indexes(self) -> None:
        """Make all indexes of the tables anew."""
        with self.change() as connection:
            connection.execute("REINDEX")

    def damaged(self, what: str, error: Exception) -> IndexFormatError:
        """The error to raise where something stored cannot be understood."""
        return IndexFormatError(
            f"{what} {self._path} is damaged: {error}. {repair_advice(self._folder)}"
        )

    def _connect(self) -> sqlite3.Connection:
        uri = self._path.resolve().as_uri() + ("?immutable=1" if self._read_only else "")
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._connections.append(connection)
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

    def _check_log(self) -> None:
        """Refuse what SQLite would pass over: without write access it does not read the log."""
        log = self._path.with_name(f"{DATABASE}-wal")
        if log.is_file() and log.stat().st_size:
            raise IndexFailure(
                f"The index in {self._folder} cannot be written to, and its newest documents are "
                f"still in {log.name}: it is being written, or a writer was killed. Wait until the "
                f"writer is done, or copy the whole folder to one of yours and open it there."
            )

    def _check_open(self) -> None:
        if not self._connections:
            raise RuntimeError(f"The index in {self._folder} is closed. Open it again.")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite raises into what the user can act on."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a mistake of ours, not of the database
        except UnicodeEncodeError as error:  # in what was asked for; the database holds no such
            raise InputError(
                f"{error.object!r} holds half a character, so the index can hold nothing of it. "
                f"Leave that out."
            ) from error
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGE or any(text in str(error) for text in _DAMAGE_TEXTS):
                raise self.damaged("The index database", error) from error
            remedy = _REMEDIES.get(code, "")
            raise IndexFailure(
                f"The index database {self._path} cannot be used: {error}. {remedy}".rstrip()
            ) from error


def _is_writable(path: Path, *, create: bool) -> bool:
    places = [path.parent] if create else [path, path.parent]
    return all(os.access(place, os.W_OK) for place in places)
