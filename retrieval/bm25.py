"""BM25 over the lexical index, with the usual k1 = 1.2 and b = 0.75.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).

Terms that nearly every passage holds cost most and tell least. A question is answered from its
rarest terms first, as far as the budget of postings goes: a search of a million passages takes no
longer than the budget allows, and one of some ten thousand leaves nothing out.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.database import Database
from quoth.retrieval.lexical import (
    BLOCK,
    MAX_COUNT,
    POSTING_BYTES,
    Postings,
    Terms,
    lengths_of,
    pending_terms,
    stored_length,
    unpacked,
)
from quoth.retrieval.terms import terms_of

K1 = 1.2
B = 0.75
BUDGET = 1_000_000  # postings looked at for one question
_MOST_TERMS = 256  # of a question, rarest first

Ids = NDArray[np.int64]
Places = NDArray[np.int64]  # of passages in the arrays below
_DENSE = BLOCK // 16  # from so many postings on, a block is computed as a whole

Scores = NDArray[np.float32]  # [blocks, BLOCK]
_Weighed = list[tuple[int, Postings]]  # of one term: which of the blocks, and what they hold


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passages:
    """All passages of one generation: block after block, one place for each possible id."""

    generation: int
    blocks: NDArray[np.int64]  # ascending
    norms: NDArray[np.float32]  # [blocks, BLOCK]: what a count is weighed against
    is_gone: NDArray[np.bool_] | None  # [blocks, BLOCK]; None where nothing in them was deleted
    num: int
    pending: Mapping[str, _Weighed]

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
            allowed = np.zeros(scores.size, dtype=np.bool_)
            allowed[_places(passages.blocks, among)] = True
            scores[~allowed.reshape(scores.shape)] = 0
        best = _best(scores, k)
        return list(zip(passages.ids(best).tolist(), scores.ravel()[best].tolist(), strict=True))

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
        slots = {int(block): slot for slot, block in enumerate(passages.blocks)}
        stored: defaultdict[str, _Weighed] = defaultdict(list)
        query = (
            f"SELECT term, block, postings FROM lexical_blocks WHERE block IN "
            f"(SELECT block FROM lexical_lengths) AND term IN ({', '.join('?' * len(chosen))})"
        )
        for term, block, postings in connection.execute(query, chosen):
            stored[term].append((slots[block], unpacked(postings)))
        return [stored[term] + passages.pending.get(term, []) for term in chosen]

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
    lengths = np.zeros(len(blocks) * BLOCK, dtype=np.uint16)
    for slot, block in enumerate(blocks.tolist()):
        lengths[slot * BLOCK : (slot + 1) * BLOCK] = lengths_of(stored.get(block))
    deleted = _places(blocks, np.array(gone, dtype=np.int64))
    deleted = deleted[lengths[deleted] > 0]
    lengths[deleted] = 0
    places = _places(blocks, np.array([key for key, _ in waiting], dtype=np.int64))
    lengths[places] = [stored_length(terms) for _, terms in waiting]
    held = lengths > 0
    num = int(held.sum())
    mean = max((int(lengths.sum(dtype=np.int64)) - num) / max(num, 1), 1.0)
    norms = np.float32(K1 * (1 - B)) + np.float32(K1 * B / mean) * (lengths - held)
    is_gone = np.zeros(len(lengths), dtype=np.bool_)
    is_gone[deleted] = True
    return _Passages(
        generation=generation,
        blocks=blocks,
        norms=norms.astype(np.float32).reshape(-1, BLOCK),
        is_gone=is_gone.reshape(-1, BLOCK) if len(deleted) else None,
        num=num,
        pending=_inverted(places, [terms for _, terms in waiting]),
    )


def _places(blocks: NDArray[np.int64], ids: Ids) -> Places:
    """Where these ids are, block after block; those left out that are in none."""
    slots = np.searchsorted(blocks, ids // BLOCK)
    known = slots < len(blocks)
    known[known] = blocks[slots[known]] == ids[known] // BLOCK
    places: Places = slots[known] * BLOCK + ids[known] % BLOCK
    return places


def _inverted(places: Places, terms: Sequence[Terms]) -> dict[str, _Weighed]:
    """Passages that are in no block yet, as if they were in one of their own."""
    found: dict[str, dict[int, list[tuple[int, int]]]] = {}
    for place, counts in zip(places.tolist(), terms, strict=True):
        slot, within = divmod(place, BLOCK)
        for term, count in counts.items():
            found.setdefault(term, {}).setdefault(slot, []).append((within, min(count, MAX_COUNT)))
    return {
        term: [
            (slot, (np.array(pairs, np.uint16)[:, 0], np.array(pairs, np.uint16)[:, 1]))
            for slot, pairs in parts.items()
        ]
        for term, parts in found.items()
    }


def _scores(passages: _Passages, weighed: Iterable[_Weighed]) -> Scores:
    """The BM25 score of every place; 0 where no term stands, and where there is no passage."""
    scores = np.zeros(passages.norms.shape, dtype=np.float32)
    for parts in weighed:
        num = sum(_num_there(passages, slot, places) for slot, (places, _) in parts)
        rarity = np.float32(log(1 + (passages.num - num + 0.5) / (num + 0.5)) * (K1 + 1))
        for slot, postings in parts:
            _add(scores[slot], passages.norms[slot], rarity, postings)
    if passages.is_gone is not None:
        scores[passages.is_gone] = 0
    return scores


def _num_there(passages: _Passages, slot: int, places: NDArray[np.uint16]) -> int:
    gone = 0 if passages.is_gone is None else int(passages.is_gone[slot][places].sum())
    return len(places) - gone


def _add(
    scores: NDArray[np.float32], norms: NDArray[np.float32], rarity: np.float32, postings: Postings
) -> None:
    """Add what a term is worth to the scores of one block; the same bits either way."""
    places, counts = postings
    if len(places) < _DENSE:
        where, often = places.astype(np.intp), counts.astype(np.float32)
        scores[where] += rarity * often / (often + norms[where])
        return
    often = np.zeros(BLOCK, dtype=np.float32)
    often[places] = counts
    scores += rarity * often / (often + norms)


def _best(scores: Scores, k: int) -> Places:
    """The places of the k largest scores above 0, largest first, ties by place."""
    found = np.zeros(0, dtype=np.int64)
    values = np.zeros(0, dtype=np.float32)
    least = np.float32(0)
    for slot, block in enumerate(scores):
        better = np.flatnonzero(block > least)  # of equals, the earlier ones are there already
        found = np.concatenate((found, better + slot * BLOCK))
        values = np.concatenate((values, block[better]))
        if len(found) > k:
            least = np.partition(values, len(values) - k)[len(values) - k]
            above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
            kept = np.sort(np.concatenate((above, equal[: k - len(above)])))
            found, values = found[kept], values[kept]
    best: Places = found[np.lexsort((found, -values))]
    return best
