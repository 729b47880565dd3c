"""Whether the lexical index holds the passages of the database, and how to make it anew."""

import sqlite3
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.database import Database
from quoth.retrieval.lexical import BLOCK, index_again, lengths_of, unpacked

_ADVICE = "make it anew with: quoth index repair"
_CAPPED = 255  # a count that may stand for more


def lexical_problems(database: Database) -> list[str]:
    """Passages that words do not find, or find though they are gone; broken rows."""
    try:
        held = _held(database)
        problems = [f"the lexical index is damaged: {what}" for what in _uneven(database)]
    except ValueError as error:
        return [f"the lexical index is damaged: {error}; {_ADVICE}"]
    wanted = np.asarray([row[0] for row in database.rows("SELECT id FROM passages")], np.int64)
    if len(np.setxor1d(held, wanted)):
        problems.append("the lexical index and the database hold different passages")
    return [f"{problem}; {_ADVICE}" for problem in problems[:1]]


def make_lexical_index(database: Database) -> None:
    """Index all passages again, in one transaction."""
    with database.change() as connection:
        for table in ("blocks", "lengths", "pending", "gone"):
            connection.execute(f"DELETE FROM lexical_{table}")
        for document_id in _with_text(connection):
            index_again(connection, document_id)


def _with_text(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT d.id FROM documents d JOIN texts t ON t.document_id = d.id ORDER BY d.id"
    return [document_id for (document_id,) in connection.execute(query)]


def _held(database: Database) -> NDArray[np.int64]:
    """The passages that the index holds: in blocks and not gone, or waiting."""
    blocks = [
        np.flatnonzero(lengths_of(stored)) + block * BLOCK
        for block, stored in database.rows("SELECT block, lengths FROM lexical_lengths")
    ]
    gone = [row[0] for row in database.rows("SELECT passage_id FROM lexical_gone")]
    waiting = [row[0] for row in database.rows("SELECT passage_id FROM lexical_pending")]
    folded = np.setdiff1d(np.concatenate([np.empty(0, np.int64), *blocks]), gone)
    return np.union1d(folded, np.asarray(waiting, np.int64)).astype(np.int64)


def _uneven(database: Database) -> Iterator[str]:
    """Blocks whose counts do not make up the lengths of their passages."""
    for block, stored in database.rows("SELECT block, lengths FROM lexical_lengths"):
        lengths = lengths_of(stored).astype(np.int64)
        counted = np.zeros(BLOCK, dtype=np.int64)
        capped = np.zeros(BLOCK, dtype=np.bool_)
        query = "SELECT postings FROM lexical_blocks WHERE block = ?"
        for (postings,) in database.rows(query, (block,)):
            places, counts = unpacked(postings)
            counted[places] += counts
            capped[places[counts == _CAPPED]] = True
        known = (lengths > 0) & (lengths < np.iinfo(np.uint16).max) & ~capped
        if (counted[known] != lengths[known] - 1).any() or counted[lengths == 0].any():
            yield f"the words of block {block} do not add up"
