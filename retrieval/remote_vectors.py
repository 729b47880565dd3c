"""Vectors in a store outside of the index, when one machine is too small for them.

The store proposes passages; the database has the last word: it knows the passages that the store
does not hold yet, which are searched here, and computes every cosine from its own vectors. So a
store that lags, that holds too much, or that was lost costs time and never an answer.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from quoth.errors import IndexFailure, IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.manifest import Manifest
from quoth.retrieval.remote_notes import RemoteNotes
from quoth.retrieval.vectors import Ids, Vectors

logger = logging.getLogger(__name__)

_BATCH = 1_000  # vectors on their way at once
_PROBES = 8
_MORE = 8  # proposals asked for beyond k
_WIDER = 4  # how many times more, if too few of them are of use
_NARROW = 20_000  # passages that a search is limited to by a filter of the store's own
_NARROW_DOCUMENTS = 200


class RemoteStoreError(Exception):
    """The store could not be reached, or refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVector:
    """What is sent to a store for one passage."""

    passage_id: int
    document_id: str
    vector: Vectors  # [dim]


class RemoteStore(Protocol):
    """What a store must be able to do. Every method may raise `RemoteStoreError`."""

    @property
    def name(self) -> str:
        """What the database remembers it by: another name is another store."""
        ...

    def add(self, owner: str, vectors: Sequence[RemoteVector]) -> None:
        """Hold these, in place of what their ids held. `owner` is the id of the index."""
        ...

    def remove(self, owner: str, ids: Sequence[int]) -> None:
        """Forget these passages; unknown ones are no error."""
        ...

    def propose(
        self, owner: str, query: Vectors, k: int, document_ids: Sequence[str]
    ) -> list[int | None]:
        """The `k` entries nearest to `query` [dim], fewer only if there are not more.

        Passage ids; None for what is not of `owner`. With `document_ids`, only entries of these
        documents, if the store can filter.
        """
        ...

    def missing(self, owner: str, ids: Sequence[int]) -> list[int]:
        """Those of `ids` that the store does not hold; none if it cannot tell."""
        ...


class RemoteVectors:
    """A `RemoteStore`, kept level with the database of an index."""

    def __init__(self, remote: RemoteStore, store: DocStore, manifest: Manifest) -> None:
        self._remote = remote
        self._store = store
        self._owner = manifest.index_id
        self._dim = manifest.dim
        self._notes = RemoteNotes(store, remote.name)
        self._lock = threading.Lock()
        self._generation = -1
        self._waiting: Ids = np.empty(0, dtype=np.int64)  # not there as of this generation
        self._rows = np.empty((0, self._dim), dtype=np.float32)  # their vectors
        self._lost: Sequence[int] | None = None  # noted as there, and not; None: not looked yet

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines, best first, at most `k`; only passages `allowed`, if given.

        Raises:
            IndexFailure: The store cannot be reached.
        """
        try:
            with self._lock:
                self._look()
                waiting, rows = self._waiting, self._rows
            hits = self._proposed(query, k, allowed)
        except RemoteStoreError as error:
            raise IndexFailure(
                f"The vector store {self._remote.name!r} cannot be searched: {error}. See that it "
                f"runs, or open the index without it."
            ) from error
        if allowed is not None:
            chosen = np.isin(waiting, allowed)
            waiting, rows = waiting[chosen], rows[chosen]
        hits |= dict(zip(waiting.tolist(), (rows @ query).tolist(), strict=True))
        return sorted(hits.items(), key=lambda hit: (-hit[1], hit[0]))[:k]

    def form(self) -> str:
        """By what name the user knows the store."""
        return self._remote.name

    def save(self) -> None:
        """Send what the store does not hold, take back what it should not hold.

        Raises:
            IndexFailure: The store cannot be reached; what was sent stays.
        """
        with self._lock:
            try:
                self._note_lost()
                self._take_back()
                self._send()
            except RemoteStoreError as error:
                raise IndexFailure(
                    f"The vector store {self._remote.name!r} could not be brought up to date: "
                    f"{error}. The documents are indexed; the next sync tries again."
                ) from error
            finally:
                self._generation = -1

    def problems(self) -> list[str]:
        """How the store differs from the database, as far as it can tell."""
        name = self._remote.name
        found = []
        if waiting := len(self._notes.missing()):
            found.append(f"{name} lacks {waiting} passages; the next sync sends them")
        if surplus := len(self._notes.surplus()):
            found.append(f"{name} holds {surplus} deleted passages; the next sync takes them back")
        try:
            lost = self._not_there(self._notes.held().tolist())
        except RemoteStoreError as error:
            return [*found, f"{name} cannot be asked: {error}"]
        if lost:
            found.append(f"{name} has lost {len(lost)} passages; the next sync sends them")
        with self._lock:
            self._lost = lost
            self._generation = -1
        return found

    def _look(self) -> None:
        """Learn which passages are to be searched here."""
        generation = self._store.database.generation()
        if generation == self._generation:
            return
        if self._lost is None:
            self._lost = self._probed()
        waiting = np.union1d(self._notes.missing(), self._lost).astype(np.int64).tolist()
        stored = [row for part in _parts(waiting) for row in self._notes.vectors(part)]
        self._waiting = np.asarray([passage_id for passage_id, _, _ in stored], dtype=np.int64)
        self._rows = self._matrix([vector for _, _, vector in stored])
        self._generation = generation

    def _probed(self) -> list[int]:
        """What was lost, if a few probes find that something was: stores in memory start empty."""
        held = self._notes.held().tolist()
        probes = held[:: max(1, len(held) // _PROBES)]
        if not self._not_there(probes):
            return []
        lost = self._not_there(held)
        logger.warning("%s has lost %d of %d passages", self._remote.name, len(lost), len(held))
        return lost

    def _not_there(self, ids: Sequence[int]) -> list[int]:
        parts = (self._remote.missing(self._owner, part) for part in _parts(ids))
        return [passage_id for part in parts for passage_id in part]

    def _proposed(self, query: Vectors, k: int, allowed: Ids | None) -> dict[int, float]:
        """Passages that the store finds near, and exist; as many as wanted, if there are."""
        document_ids = self._documents_of(allowed)
        most = k if allowed is None else min(k, len(allowed))
        wanted = k + _MORE
        while True:
            proposals = self._remote.propose(self._owner, query, wanted, document_ids)
            ids = [passage_id for passage_id in proposals if passage_id is not None]
            if allowed is not None:
                ids = np.intersect1d(ids, allowed).tolist()
            held, vectors = self._store.vectors.of(ids, dim=self._dim)
            if len(held) >= most or len(proposals) < wanted:
                return dict(zip(held.tolist(), (vectors @ query).tolist(), strict=True))
            wanted *= _WIDER

    def _documents_of(self, allowed: Ids | None) -> list[str]:
        """The documents of these passages, if they are few enough to be a filter."""
        if allowed is None or not 0 < len(allowed) <= _NARROW:
            return []
        parts = (self._notes.documents(part) for part in _parts(allowed.tolist()))
        documents = set().union(*parts)
        return sorted(documents) if len(documents) <= _NARROW_DOCUMENTS else []

    def _note_lost(self) -> None:
        if self._lost is None:
            self._lost = self._probed()
        for part in _parts(self._lost):
            self._notes.sending(part)
        self._lost = []

    def _take_back(self) -> None:
        for part in _parts(self._notes.surplus().tolist()):
            self._remote.remove(self._owner, part)
            self._notes.forgotten(part)

    def _send(self) -> None:
        for part in _parts(self._notes.missing().tolist()):
            stored = self._notes.vectors(part)
            rows = self._matrix([vector for _, _, vector in stored])
            self._notes.sending(part)
            self._remote.add(
                self._owner,
                [
                    RemoteVector(passage_id=passage_id, document_id=document_id, vector=row)
                    for (passage_id, document_id, _), row in zip(stored, rows, strict=True)
                ],
            )
            self._notes.arrived(part)

    def _matrix(self, rows: Sequence[bytes]) -> Vectors:
        if any(len(row) != 4 * self._dim for row in rows):
            raise IndexFormatError(
                f"The index holds vectors that do not have {self._dim} dimensions. Make it again "
                f"from its documents."
            )
        return np.frombuffer(b"".join(rows), dtype="<f4").reshape(-1, self._dim).astype(np.float32)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
