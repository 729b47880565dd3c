"""The vectors as SQLite holds them, and what has happened to them since a given generation.

Passage ids rise and are never given twice, so what was added since is what has a higher id; what
was deleted is listed in `removals`, by a trigger, in the transaction that deleted it. Following the
database thus costs what has changed, not what there is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quoth.errors import IndexFormatError
from quoth.retrieval.database import Database
from quoth.retrieval.manifest import rebuild_advice

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
VectorKind = Literal["auto", "flat", "sq8", "ivf"]

KINDS: tuple[VectorKind, ...] = ("auto", "flat", "sq8", "ivf")  # by their number in the database
_BATCH = 2_000  # rows of one query: more would keep searches waiting for the connection
_KEPT_REMOVALS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorState:
    """What tells whether vectors in memory are those of the database."""

    generation: int
    newest_id: int  # of the passages
    base: int  # token of the large file beside `vectors.faiss`; 0 without one
    removals_since: int  # generations after this one have all their removals listed
    kind: VectorKind  # what the user wants


class StoredVectors:
    """Reads vectors and their changes; keeps the note of which base file is in use."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def state(self) -> VectorState:
        """All in one statement, so that it belongs together."""
        query = (
            "SELECT key, value FROM state UNION ALL "
            "SELECT 'newest', coalesce(max(id), 0) FROM passages"
        )
        values = dict(self._database.rows(query))
        return VectorState(
            generation=values["generation"],
            newest_id=values["newest"],
            base=values["vector_base"],
            removals_since=values["removals_since"],
            kind=KINDS[values["vector_kind"]],
        )

    def count(self) -> int:
        """Number of passages."""
        return int(self._database.rows("SELECT count(*) FROM passages")[0][0])

    def ids(self) -> Ids:
        """All passage ids, ascending. Reads an index of the table, not the vectors."""
        rows = self._database.rows("SELECT id FROM passages INDEXED BY passages_by_document")
        return np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows)))

    def removed_since(self, generation: int) -> list[int]:
        """Ids of the passages that were deleted after `generation`."""
        query = "SELECT passage_id FROM removals WHERE generation > ?"
        return [row[0] for row in self._database.rows(query, (generation,))]

    def after(
        self, passage_id: int, *, last: int | None = None, dim: int
    ) -> Iterator[tuple[Ids, Vectors]]:
        """Batches of the passages with higher ids than this, by id, up to `last`: [N], [N, dim]."""
        upper = last if last is not None else np.iinfo(np.int64).max
        query = "SELECT id, vector FROM passages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
        while rows := self._database.rows(query, (passage_id, int(upper), _BATCH)):
            yield self._batch(rows, dim)
            passage_id = rows[-1][0]

    def of(self, ids: Sequence[int], *, dim: int) -> tuple[Ids, Vectors]:
        """The vectors of those of the passages that exist, by id: [N], [N, dim]."""
        rows: list[tuple[int, bytes]] = []
        for start in range(0, len(ids), _BATCH):
            part = [int(key) for key in ids[start : start + _BATCH]]
            marks = ", ".join("?" * len(part))
            query = f"SELECT id, vector FROM passages WHERE id IN ({marks}) ORDER BY id"
            rows += self._database.rows(query, part)
        return self._batch(sorted(rows), dim)

    def use_base(self, token: int, *, kind: VectorKind, generation: int) -> None:
        """Note the base file that is in use, made at `generation`; earlier removals are forgotten.

        Vectors are no more and no fewer than before, so the generation stays.
        """
        with self._database.note() as connection:
            connection.execute("UPDATE state SET value = ? WHERE key = 'vector_base'", (token,))
            connection.execute(
                "UPDATE state SET value = ? WHERE key = 'vector_kind'", (KINDS.index(kind),)
            )
            connection.execute("DELETE FROM removals WHERE generation <= ?", (generation,))
            connection.execute(
                "UPDATE state SET value = max(value, ?) WHERE key = 'removals_since'", (generation,)
            )

    def shorten_log(self) -> None:
        """Forget the oldest removals where the list has become long.

        Who has not followed for so long reads all vectors anew.
        """
        query = "SELECT generation FROM removals ORDER BY generation DESC LIMIT 1 OFFSET ?"
        rows = self._database.rows(query, (_KEPT_REMOVALS,))
        if rows:
            state = self.state()
            self.use_base(state.base, kind=state.kind, generation=rows[0][0])

    def _batch(self, rows: Sequence[tuple[int, bytes]], dim: int) -> tuple[Ids, Vectors]:
        if any(len(vector) != 4 * dim for _, vector in rows):
            raise IndexFormatError(
                f"The index in {self._folder} holds vectors that do not have {dim} dimensions. "
                f"{rebuild_advice(self._folder)}"
            )
        ids = np.fromiter((key for key, _ in rows), dtype=np.int64, count=len(rows))
        content = b"".join(vector for _, vector in rows)
        return ids, np.frombuffer(content, dtype="<f4").reshape(-1, dim).astype(np.float32)
