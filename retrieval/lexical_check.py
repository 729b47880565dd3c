"""Whether the lexical index holds what the passages say: compared by fingerprints.

The fingerprint of a passage is its length and a sum over its terms, so that it can be made from the
text of the passage as well as from the blocks, one term after the other.
"""

import hashlib
import sqlite3
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.lexical import (
    BLOCK,
    MAX_COUNT,
    Terms,
    lengths_of,
    pending_terms,
    stored_length,
    unpacked,
)

Fingerprint = tuple[int, int]


def fingerprint(terms: Terms) -> Fingerprint:
    """That of a passage with these terms."""
    total = sum(_code(term) * min(count, MAX_COUNT) for term, count in terms.items())
    return stored_length(terms), total % (1 << 64)


def stored_fingerprints(connection: sqlite3.Connection) -> dict[int, Fingerprint]:
    """Those of all passages in the lexical index, by id.

    Raises:
        ValueError: Something in it cannot be read.
    """
    found: dict[int, Fingerprint] = {}
    lengths = dict(connection.execute("SELECT block, lengths FROM lexical_lengths"))
    query = "SELECT DISTINCT block FROM lexical_blocks ORDER BY block"
    held = {block for (block,) in connection.execute(query)}
    for block in sorted(held | set(lengths)):
        found |= _of_block(connection, block, lengths_of(lengths.get(block)))
    for (key,) in connection.execute("SELECT passage_id FROM lexical_gone"):
        found.pop(key, None)
    found |= {key: fingerprint(terms) for key, terms in pending_terms(connection)}
    return found


def differing(expected: Mapping[int, Fingerprint], stored: Mapping[int, Fingerprint]) -> list[int]:
    """The ids of the passages that are not indexed as they should be."""
    return sorted(
        key for key in expected.keys() | stored.keys() if expected.get(key) != stored.get(key)
    )


def _of_block(
    connection: sqlite3.Connection, block: int, lengths: NDArray[np.uint16]
) -> dict[int, Fingerprint]:
    totals = np.zeros(BLOCK, dtype=np.uint64)
    query = "SELECT term, postings FROM lexical_blocks WHERE block = ?"
    for term, postings in connection.execute(query, (block,)):
        places, counts = unpacked(postings)
        np.add.at(totals, places, np.uint64(_code(term)) * counts.astype(np.uint64))
    there = np.flatnonzero((lengths > 0) | (totals > 0))
    return {
        int(block * BLOCK + place): (int(lengths[place]), int(totals[place])) for place in there
    }


def _code(term: str) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")
