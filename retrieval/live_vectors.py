"""The vectors that search uses: loaded on first use, and kept level with the database.

The database is compared by its generation, then by its passage ids. An id never gets another
vector, so equal ids mean equal vectors, whoever changed the database: this object, another process,
or a process that was killed before it wrote the FAISS file.
"""

import logging
import threading
from pathlib import Path

import numpy as np

from quoth.errors import IndexFailure, IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.manifest import Manifest, rebuild_advice
from quoth.retrieval.vectors import DamagedVectorsError, FaissVectors, Ids, Vectors

logger = logging.getLogger(__name__)

VECTORS = "vectors.faiss"
_BATCH = 10_000  # vectors read from the database at once


class LiveVectors:
    """FAISS in memory, made level with the database before every search."""

    def __init__(self, folder: Path, store: DocStore, manifest: Manifest) -> None:
        self._folder = folder
        self._path = folder / VECTORS
        self._store = store
        self._manifest = manifest
        self._lock = threading.Lock()
        self._vectors: FaissVectors | None = None
        self._generation = -1  # of the database that the vectors are level with
        self._saved = -1  # of the file

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines, best first, at most `k`; only passages `among`, if given."""
        with self._lock:
            return self._level().search(query, k, among)

    def save(self) -> None:
        """Write the file if it lags behind. Only for the holder of the writer's lock."""
        with self._lock:
            vectors = self._level()
            if self._saved == self._generation:
                return
            try:
                vectors.save(self._path, owner=self._manifest.index_id, generation=self._generation)
            except (OSError, RuntimeError) as error:
                raise IndexFailure(
                    f"{self._path} could not be written: {error}. The documents are indexed; the "
                    f"next sync tries again."
                ) from error
            self._saved = self._generation

    def problems(self) -> list[str]:
        """How memory, file and database differ."""
        found = []
        try:
            self._read_file()
        except FileNotFoundError:
            if self._store.database.generation():
                found.append(f"{VECTORS} is missing; the next sync writes it")
        except DamagedVectorsError as error:
            found.append(f"{VECTORS} is damaged: {error}; the next sync writes it again")
        with self._lock:
            vectors = self._level()
            ids = vectors.ids()
            stored = self._store.passages.vectors(ids.tolist())
            if sorted(stored) != ids.tolist():
                found.append("vectors and passages do not have the same ids")
            elif len(ids) and vectors.vectors(ids.tolist()).tobytes() != b"".join(
                stored[int(key)] for key in ids
            ):
                found.append(f"{VECTORS} and the database hold different vectors")
        return found

    def _level(self) -> FaissVectors:
        if self._vectors is None:
            self._vectors = self._loaded()
        generation = self._store.database.generation()
        if generation != self._generation:
            self._follow(self._vectors)
            self._generation = generation
        return self._vectors

    def _loaded(self) -> FaissVectors:
        try:
            vectors, self._saved = self._read_file()
        except FileNotFoundError:
            logger.info("%s is not there; making it from the database", self._path)
        except DamagedVectorsError as error:
            logger.warning("%s is damaged (%s); using the database instead", self._path, error)
        else:
            return vectors
        return FaissVectors(self._manifest.dim)

    def _read_file(self) -> tuple[FaissVectors, int]:
        newest = self._store.database.generation()
        return FaissVectors.load(
            self._path, dim=self._manifest.dim, owner=self._manifest.index_id, newest=newest
        )

    def _follow(self, vectors: FaissVectors) -> None:
        """Forget what the database does not hold, take in what it has more."""
        wanted = np.asarray(self._store.passages.ids(), dtype=np.int64)
        held = vectors.ids()
        vectors.remove(np.setdiff1d(held, wanted).tolist())
        missing = np.setdiff1d(wanted, held).tolist()
        for start in range(0, len(missing), _BATCH):
            stored = self._store.passages.vectors(missing[start : start + _BATCH])
            vectors.add(list(stored), self._matrix(list(stored.values())))

    def _matrix(self, rows: list[bytes]) -> Vectors:
        dim = self._manifest.dim
        if any(len(row) != 4 * dim for row in rows):
            raise IndexFormatError(
                f"The index in {self._folder} holds vectors that do not have {dim} dimensions. "
                f"{rebuild_advice(self._folder)}"
            )
        return np.frombuffer(b"".join(rows), dtype="<f4").reshape(-1, dim).astype(np.float32)
