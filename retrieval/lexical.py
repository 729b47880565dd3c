"""The lexical index as SQLite holds it: for each term, which passages hold it and how often.

It changes in the transactions that change the passages, so both agree whenever a kill comes. A new
passage waits in `lexical_pending`, a deleted one leaves its id in `lexical_gone` (a trigger sees to
that); both count at once in a search. `fold` merges them into the blocks, a few thousand at a time.

A block is one term in 65,536 neighbouring passage ids: n ids less the first of the block, uint16,
ascending; then n counts, uint8. The lengths of a block's passages are one uint16 for each id, in
words, plus one; 0 where there is no passage.
"""

import json
import sqlite3
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.terms import terms_of

BLOCK = 1 << 16  # passage ids
POSTING_BYTES = 3
_MOST_PENDING = 4096
MAX_COUNT = 255
_MAX_LENGTH = 65_535

Terms = Mapping[str, int]  # how often each stands in a passage
Postings = tuple[NDArray[np.uint16], NDArray[np.unsignedinteger]]  # ids in the block, counts

SCHEMA = (
    """CREATE TABLE lexical_blocks (
        block INTEGER NOT NULL,
        term TEXT NOT NULL,
        postings BLOB NOT NULL,
        PRIMARY KEY (block, term)
    ) STRICT""",  # with rowids: else SQLite reads long postings whole to compare their terms
    "CREATE TABLE lexical_lengths (block INTEGER PRIMARY KEY, lengths BLOB NOT NULL) STRICT",
    """CREATE TABLE lexical_pending (
        passage_id INTEGER PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE,
        terms TEXT NOT NULL
    ) STRICT""",
    "CREATE TABLE lexical_gone (passage_id INTEGER PRIMARY KEY) STRICT",
    """CREATE TRIGGER passages_leave_the_lexical_index AFTER DELETE ON passages BEGIN
        INSERT OR IGNORE INTO lexical_gone VALUES (old.id);
    END""",
)

HAS_UNFOLDED = (
    "SELECT EXISTS (SELECT 1 FROM lexical_pending) OR EXISTS (SELECT 1 FROM lexical_gone)"
)


def passage_terms(title: str, name: str, heading: str, text: str) -> Terms:
    """What a passage is found by: the words of its document's title and name, headings and text."""
    return Counter(terms_of("\n".join((title, PurePath(name).stem, heading, text))))


def add(connection: sqlite3.Connection, terms: Iterable[tuple[int, Terms]]) -> None:
    """Let new passages, by id, be found. Folds when many are waiting."""
    rows = ((key, json.dumps(counts, ensure_ascii=False)) for key, counts in terms)
    connection.executemany("INSERT INTO lexical_pending VALUES (?, ?)", rows)
    [[waiting]] = connection.execute("SELECT count(*) FROM lexical_pending")
    if waiting >= _MOST_PENDING:
        fold(connection)


def index_again(connection: sqlite3.Connection, document_ids: Collection[str]) -> None:
    """Index the passages of documents as they stand, in the place of how they were indexed before.

    A text that cannot be read is passed over: `verify` tells of it, and it cannot be cited either.
    """
    query = "SELECT id FROM passages WHERE document_id = ?"
    ids = [key for each in document_ids for (key,) in connection.execute(query, (each,))]
    connection.executemany(
        "DELETE FROM lexical_pending WHERE passage_id = ?", [(key,) for key in ids]
    )
    _forget(connection, ids)
    for document_id in document_ids:
        add(connection, _document_terms(connection, document_id))


def _document_terms(
    connection: sqlite3.Connection, document_id: str
) -> Iterator[tuple[int, Terms]]:
    title, name, stored = connection.execute(
        "SELECT d.title, d.name, t.text FROM documents d JOIN texts t ON t.document_id = d.id "
        "WHERE d.id = ?",
        (document_id,),
    ).fetchone() or ("", "", b"")
    try:
        text = zlib.decompress(stored).decode()
    except (zlib.error, UnicodeDecodeError):
        return
    query = "SELECT id, heading, start, end FROM passages WHERE document_id = ? ORDER BY id"
    for key, heading, start, end in connection.execute(query, (document_id,)).fetchall():
        yield key, passage_terms(title, name, heading, text[start:end])


def fold(connection: sqlite3.Connection) -> None:
    """Merge what is waiting into the blocks; what was deleted leaves the disk."""
    gone = [key for (key,) in connection.execute("SELECT passage_id FROM lexical_gone")]
    _forget(connection, gone)
    connection.execute("DELETE FROM lexical_gone")
    pending = dict(pending_terms(connection))
    for block, places in _by_block(pending).items():
        _merge(connection, block, {place: pending[block * BLOCK + place] for place in places})
    connection.execute("DELETE FROM lexical_pending")


def pending_terms(connection: sqlite3.Connection) -> Iterator[tuple[int, Terms]]:
    """The passages that are not in the blocks yet, by id, and their terms."""
    query = "SELECT passage_id, terms FROM lexical_pending ORDER BY passage_id"
    for key, terms in connection.execute(query):
        yield key, json.loads(terms)


def unpacked(postings: bytes) -> Postings:
    """The ids within the block, ascending, and the counts.

    Raises:
        ValueError: These are no postings.
    """
    num, rest = divmod(len(postings), POSTING_BYTES)
    if rest:
        raise ValueError(f"postings of {len(postings)} bytes")
    places = np.frombuffer(postings, dtype="<u2", count=num)
    return places, np.frombuffer(postings, dtype=np.uint8, offset=2 * num)


def packed(places: NDArray[np.uint16], counts: NDArray[np.uint8]) -> bytes:
    """Postings as the database holds them."""
    return places.astype("<u2").tobytes() + counts.astype(np.uint8).tobytes()


def lengths_of(stored: bytes | None) -> NDArray[np.uint16]:
    """The lengths of a block's passages plus one [BLOCK]; all 0 for a block that is not there."""
    lengths = np.zeros(BLOCK, dtype=np.uint16)
    if stored:
        known = np.frombuffer(stored, dtype="<u2")
        lengths[: len(known)] = known
    return lengths


def stored_length(terms: Terms) -> int:
    """The length of a passage as `lexical_lengths` holds it.

    Numbers do not count: a row of a table is as long as its words, and its figures must not let
    these weigh less.
    """
    words = sum(count for term, count in terms.items() if not term[0].isdigit())
    return min(1 + words, _MAX_LENGTH)


def _forget(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    for block, places in _by_block(ids).items():
        _purge(connection, block, places)


def _by_block(ids: Iterable[int]) -> dict[int, list[int]]:
    blocks = defaultdict(list)
    for key in ids:
        blocks[key // BLOCK].append(key % BLOCK)
    return blocks


def _lengths(connection: sqlite3.Connection, block: int) -> NDArray[np.uint16]:
    query = "SELECT lengths FROM lexical_lengths WHERE block = ?"
    row = connection.execute(query, (block,)).fetchone()
    return lengths_of(row[0] if row else None)


def _keep_lengths(connection: sqlite3.Connection, block: int, lengths: NDArray[np.uint16]) -> None:
    held = np.flatnonzero(lengths)
    if len(held):
        stored = lengths[: held[-1] + 1].astype("<u2").tobytes()
        connection.execute("INSERT OR REPLACE INTO lexical_lengths VALUES (?, ?)", (block, stored))
    else:
        connection.execute("DELETE FROM lexical_lengths WHERE block = ?", (block,))


def _purge(connection: sqlite3.Connection, block: int, places: Sequence[int]) -> None:
    """Take passages out of every term of a block, whatever their terms were."""
    lengths = _lengths(connection, block)
    held = [place for place in places if lengths[place]]
    if not held:
        return  # they were deleted before they came into the block
    stays = np.ones(BLOCK, dtype=np.bool_)
    stays[held] = False
    changed, emptied = [], []
    query = "SELECT term, postings FROM lexical_blocks WHERE block = ?"
    for term, postings in connection.execute(query, (block,)):
        ids, counts = unpacked(postings)
        keep = stays[ids]
        if not keep.any():
            emptied.append((block, term))
        elif not keep.all():
            changed.append((packed(ids[keep], counts[keep]), block, term))
    update = "UPDATE lexical_blocks SET postings = ? WHERE block = ? AND term = ?"
    connection.executemany(update, changed)
    connection.executemany("DELETE FROM lexical_blocks WHERE block = ? AND term = ?", emptied)
    lengths[held] = 0
    _keep_lengths(connection, block, lengths)


def _merge(connection: sqlite3.Connection, block: int, fresh: Mapping[int, Terms]) -> None:
    """Put passages, by their place in the block and ascending, into it."""
    lengths = _lengths(connection, block)
    by_term: dict[str, tuple[bytearray, bytearray]] = {}
    for place, terms in fresh.items():
        lengths[place] = stored_length(terms)
        for term, count in terms.items():
            places, counts = by_term.setdefault(term, (bytearray(), bytearray()))
            places += place.to_bytes(2, "little")
            counts.append(min(count, MAX_COUNT))
    select = "SELECT postings FROM lexical_blocks WHERE block = ? AND term = ?"
    rows = []
    for term in sorted(by_term):  # in the order of the table: its pages are each touched once
        row = connection.execute(select, (block, term)).fetchone()
        rows.append((block, term, _joined(row[0] if row else b"", *by_term[term])))
    connection.executemany(
        "INSERT INTO lexical_blocks VALUES (?, ?, ?) "
        "ON CONFLICT (block, term) DO UPDATE SET postings = excluded.postings",
        rows,
    )
    _keep_lengths(connection, block, lengths)


def _joined(stored: bytes, places: bytearray, counts: bytearray) -> bytes:
    """Postings with further ones, ascending; these mostly come after all that are stored."""
    num = len(stored) // POSTING_BYTES
    joined = b"".join((stored[: 2 * num], places, stored[2 * num :], counts))
    if stored[2 * num - 2 : 2 * num][::-1] > places[1::-1]:  # big end first
        known, known_counts = unpacked(joined)
        order = np.argsort(known, kind="stable")
        return packed(known[order], known_counts[order])
    return joined
