"""What the database remembers of an outside store: which passages it holds.

A passage is noted before its vector is sent, and again when it has arrived; a note goes only when
the store has forgotten the vector. So after a kill at any moment nothing is held there that is not
noted here.
"""

from collections.abc import Sequence

import numpy as np

from quoth.retrieval.docstore import DocStore
from quoth.retrieval.vectors import Ids


class RemoteNotes:
    """The rows of `remote_vectors` of one store."""

    def __init__(self, store: DocStore, name: str) -> None:
        self._store = store
        self._database = store.database
        self._name = name

    def held(self) -> Ids:
        """Passages that have arrived there, whether or not they still exist; ascending."""
        return self._noted("AND is_there = 1")

    def missing(self) -> Ids:
        """Passages that have not arrived there; ascending."""
        return np.setdiff1d(self._store.vectors.ids(), self.held(), assume_unique=True)

    def surplus(self) -> Ids:
        """What the store may hold although there is no such passage any more; ascending."""
        return np.setdiff1d(self._noted(""), self._store.vectors.ids(), assume_unique=True)

    def vectors(self, ids: Sequence[int]) -> list[tuple[int, str, bytes]]:
        """Those of the passages that exist: id, document id and vector."""
        marks = ", ".join("?" * len(ids))
        query = f"SELECT id, document_id, vector FROM passages WHERE id IN ({marks}) ORDER BY id"
        return self._database.rows(query, tuple(ids))

    def documents(self, ids: Sequence[int]) -> set[str]:
        """The documents that the passages are of."""
        marks = ", ".join("?" * len(ids))
        query = f"SELECT DISTINCT document_id FROM passages WHERE id IN ({marks})"
        return {row[0] for row in self._database.rows(query, tuple(ids))}

    def sending(self, ids: Sequence[int]) -> None:
        """Note that these are on their way."""
        self._write(
            "INSERT INTO remote_vectors (store, passage_id, is_there) VALUES (?, ?, 0) "
            "ON CONFLICT DO UPDATE SET is_there = 0",
            ids,
        )

    def arrived(self, ids: Sequence[int]) -> None:
        """Note that these are there."""
        self._write(
            "UPDATE remote_vectors SET is_there = 1 WHERE store = ? AND passage_id = ?", ids
        )

    def forgotten(self, ids: Sequence[int]) -> None:
        """Note that these are not there."""
        self._write("DELETE FROM remote_vectors WHERE store = ? AND passage_id = ?", ids)

    def _noted(self, condition: str) -> Ids:
        query = f"SELECT passage_id FROM remote_vectors WHERE store = ? {condition} ORDER BY 1"
        rows = self._database.rows(query, (self._name,))
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))

    def _write(self, statement: str, ids: Sequence[int]) -> None:
        with self._database.note() as connection:
            connection.executemany(statement, [(self._name, passage_id) for passage_id in ids])
