"""BM25 over the lexical index, with the usual k1 = 1.2 and b = 0.75.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).

Terms that nearly every passage holds cost most and tell least. A question is answered from its
rarest terms first, as far as the budget of postings goes: a search of a million passages takes no
longer than the budget allows, and one of some ten thousand leaves nothing out.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.database import Database
from quoth.retrieval.lexical import (
    BLOCK,
    POSTING_BYTES,
    lengths_of,
    pending_terms,
    stored_length,
    unpacked,
)
from quoth.retrieval.terms import terms_of

K1 = 1.2
B = 0.75
BUDGET = 2_000_000  # postings looked at for one question
_MOST_TERMS = 256  # of a question, rarest first

Ids = NDArray[np.int64]
Places = NDArray[np.int64]  # of passages in the arrays below
_Weighed = tuple[Places, NDArray[np.float32]]  # the passages that hold a term, and how often


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passages:
    """All passages of one generation: block after block, one place for each possible id."""

    generation: int
    blocks: NDArray[np.int64]  # ascending
    lengths: NDArray[np.uint16]  # plus one; 0 where there is no passage
    norms: NDArray[np.float32]  # what a count is weighed against
    num: int
    pending: Mapping[str, _Weighed]

    def places(self, ids: Ids) -> Places:
        """Where these ids are, those left out that are in no block."""
        slots = np.searchsorted(self.blocks, ids // BLOCK)
        known = slots < len(self.blocks)
        known[known] = self.blocks[slots[known]] == ids[known] // BLOCK
        places: Places = slots[known] * BLOCK + ids[known] % BLOCK
        return places

    def ids(self, places: Places) -> Ids:
        """The ids at these places."""
        found: Ids = self.blocks[places // BLOCK] * BLOCK + places % BLOCK
        return found


class LexicalSearch:
    """Searches, from any thread, while the index changes."""

    def __init__(self, database: Database, *, budget: int = BUDGET) -> None:
        self._database = database
        self._budget = budget
        self._lock = Lock()
        self._passages: _Passages | None = None

    def search(self, query: str, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """Passage ids and their BM25 scores, all above 0, best first, ties by id; at most `k`.

        Args:
            query: Any text; nothing in it has a meaning of its own.
            k: How many at most.
            among: Only these passages.
        """
        terms = sorted(set(terms_of(query)))
        if k < 1 or not terms:
            return []
        with self._database.snapshot() as connection:
            try:
                passages = self._current(connection)
                weighed = self._weighed(connection, passages, terms)
            except ValueError as error:
                raise self._database.damaged("The lexical index in", error) from error
        scores = _scores(passages, weighed)
        if among is not None:
            allowed = np.zeros(len(scores), dtype=np.bool_)
            allowed[passages.places(among)] = True
            scores[~allowed] = 0
        best = _best(scores, k)
        found = zip(passages.ids(best).tolist(), scores[best].tolist(), strict=True)
        return list(found)

    def _current(self, connection: sqlite3.Connection) -> _Passages:
        query = "SELECT value FROM state WHERE key = 'generation'"
        [generation] = connection.execute(query).fetchone()
        with self._lock:
            if self._passages is None or self._passages.generation != generation:
                self._passages = _read(connection, generation)
            return self._passages

    def _weighed(
        self, connection: sqlite3.Connection, passages: _Passages, terms: list[str]
    ) -> list[_Weighed]:
        """The passages of each term worth looking at."""
        chosen = self._rarest(connection, terms)
        stored = defaultdict(list)
        query = (
            f"SELECT term, block, postings FROM lexical_blocks WHERE block IN "
            f"(SELECT block FROM lexical_lengths) AND term IN ({', '.join('?' * len(chosen))})"
        )
        first_places = {int(block): n * BLOCK for n, block in enumerate(passages.blocks)}
        for term, block, postings in connection.execute(query, chosen):
            ids, counts = unpacked(postings)
            places = ids.astype(np.int64) + first_places[block]
            stored[term].append((places, counts.astype(np.float32)))
        for term in chosen:
            if term in passages.pending:
                stored[term].append(passages.pending[term])
        return [_joined(stored[term]) for term in chosen if term in stored]

    def _rarest(self, connection: sqlite3.Connection, terms: list[str]) -> list[str]:
        """Those terms that the budget allows, in a fixed order."""
        marks = ", ".join("?" * len(terms))
        query = (
            f"SELECT term, sum(length(postings)) FROM lexical_blocks WHERE block IN "
            f"(SELECT block FROM lexical_lengths) AND term IN ({marks}) GROUP BY term"
        )
        numbers = dict.fromkeys(terms, 0)
        for term, num_bytes in connection.execute(query, terms):
            numbers[term] = num_bytes // POSTING_BYTES
        chosen: list[str] = []
        spent = 0
        for term in sorted(terms, key=lambda term: (numbers[term], term))[:_MOST_TERMS]:
            spent += numbers[term]
            if chosen and spent > self._budget:
                break
            chosen.append(term)
        return sorted(chosen)


def _read(connection: sqlite3.Connection, generation: int) -> _Passages:
    waiting = list(pending_terms(connection))
    gone = [key for (key,) in connection.execute("SELECT passage_id FROM lexical_gone")]
    stored = dict(connection.execute("SELECT block, lengths FROM lexical_lengths"))
    blocks = np.array(sorted({*stored, *(key // BLOCK for key, _ in waiting)}), dtype=np.int64)
    lengths = np.concatenate(
        [np.zeros(0, np.uint16), *(lengths_of(stored.get(int(block))) for block in blocks)]
    )
    empty = _Passages(
        generation=generation, blocks=blocks, lengths=lengths, norms=np.zeros(0, np.float32),
        num=0, pending={},
    )  # fmt: skip
    lengths[empty.places(np.array(gone, dtype=np.int64))] = 0
    places = empty.places(np.array([key for key, _ in waiting], dtype=np.int64))
    lengths[places] = [stored_length(terms) for _, terms in waiting]
    held = lengths > 0
    num = int(held.sum())
    mean = max((int(lengths.sum(dtype=np.int64)) - num) / max(num, 1), 1.0)
    norms = np.float32(K1) * (np.float32(1 - B) + np.float32(B / mean) * (lengths - held))
    return _Passages(
        generation=generation, blocks=blocks, lengths=lengths, norms=norms.astype(np.float32),
        num=num, pending=_inverted(places, (terms for _, terms in waiting)),
    )  # fmt: skip


def _inverted(places: Places, terms: Iterable[Mapping[str, int]]) -> dict[str, _Weighed]:
    by_term: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for place, counts in zip(places.tolist(), terms, strict=True):
        for term, count in counts.items():
            by_term[term][0].append(place)
            by_term[term][1].append(min(count, 255))
    return {
        term: (np.array(where, dtype=np.int64), np.array(counts, dtype=np.float32))
        for term, (where, counts) in by_term.items()
    }


def _joined(parts: list[_Weighed]) -> _Weighed:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([where for where, _ in parts]), np.concatenate([n for _, n in parts])


def _scores(passages: _Passages, weighed: Iterable[_Weighed]) -> NDArray[np.float32]:
    """The BM25 score of every place; 0 where no term stands, and where there is no passage."""
    scores = np.zeros(len(passages.lengths), dtype=np.float32)
    held = passages.lengths > 0
    for places, counts in weighed:
        num = int(held[places].sum())
        rarity = np.float32(log(1 + (passages.num - num + 0.5) / (num + 0.5)) * (K1 + 1))
        scores[places] += rarity * counts / (counts + passages.norms[places])
    scores[~held] = 0
    return scores


def _best(scores: NDArray[np.float32], k: int) -> Places:
    """The places of the k largest scores above 0, largest first, ties by place."""
    found = np.flatnonzero(scores > 0)
    if len(found) > k:
        values = scores[found]
        least = np.partition(values, len(values) - k)[len(values) - k]
        above = found[values > least]
        found = np.concatenate((above, found[values == least][: k - len(above)]))
    order = np.lexsort((found, -scores[found]))
    best: Places = found[order]
    return best
