"""Vectors on disk and in memory: an exact FAISS index with ids of our own.

FAISS keeps both vectors when an id is added twice, and reads whatever bytes it is given; so adding
deletes first, and a file is compared with the checksum at its end before FAISS sees it.
"""

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.atomic import replace_file

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

_MAGIC = b"QUOTHVEC"
_TRAILER = struct.Struct("<8s32sQ32s")  # magic, owner, generation, SHA-256 of all before it
_MORE_FOR_TIES = 16


class DamagedVectorsError(Exception):
    """The file is not what was written; its contents were not looked at."""


class FaissVectors:
    """`IDMap2,Flat` with inner product: exact, and its entries can be deleted."""

    def __init__(self, dim: int) -> None:
        import faiss

        self.dim = dim
        self._faiss: Any = faiss
        self._index: Any = faiss.index_factory(dim, "IDMap2,Flat", faiss.METRIC_INNER_PRODUCT)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Hold `vectors` [N, dim] under `ids`, in place of what these ids held."""
        if vectors.shape != (len(ids), self.dim):
            raise ValueError(f"{len(ids)} ids of dimension {self.dim} got {vectors.shape}")
        if len(set(ids)) != len(ids):
            raise ValueError("an id is given twice")
        if not ids:
            return
        self.remove(ids)
        self._index.add_with_ids(
            np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(ids, dtype=np.int64)
        )

    def remove(self, ids: Sequence[int]) -> None:
        """Forget these ids; unknown ones are no error. A full pass over the vectors."""
        if len(ids) and len(self):
            self._index.remove_ids(np.asarray(ids, dtype=np.int64))

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """The ids that score best against `query` [dim], best first, ties by id; at most k.

        Only the ids `among`, if there are any given. More than k are asked for until the last one
        scores less than the k-th: otherwise FAISS would choose among equals by their place in the
        file.
        """
        most = len(self) if among is None else min(len(self), len(among))
        wanted = min(k + _MORE_FOR_TIES, most)
        only = None if among is None else self._only(among)
        while k > 0 and wanted:
            scores, ids = self._index.search(
                np.asarray(query, dtype=np.float32)[None], wanted, params=only
            )
            if wanted == most or scores[0, -1] < scores[0, k - 1]:
                found = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
                held = (hit for hit in found if hit[0] >= 0)  # FAISS fills up with -1
                return sorted(held, key=lambda hit: (-hit[1], hit[0]))[:k]
            wanted = min(2 * wanted, most)
        return []

    def _only(self, among: Ids) -> Any:  # noqa: ANN401 - FAISS has no types
        """The parameters that keep a search to these ids."""
        passes = np.zeros(int(among.max(initial=0)) + 1, dtype=np.bool_)
        passes[among] = True
        bits = np.packbits(passes, bitorder="little")
        return self._faiss.SearchParameters(sel=self._faiss.IDSelectorBitmap(bits))

    def ids(self) -> Ids:
        """All ids, ascending."""
        return np.sort(self._faiss.vector_to_array(self._index.id_map))

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The vectors held under `ids`, float32 [N, dim]."""
        found = self._index.reconstruct_batch(np.asarray(ids, dtype=np.int64))
        return np.asarray(found, dtype=np.float32)

    def save(self, path: Path, *, owner: str, generation: int) -> None:
        """Write to `path`, in one step. `owner` is the index's id, `generation` its version."""

        def write(temporary: Path) -> None:
            self._faiss.write_index(self._index, str(temporary))
            digest = hashlib.sha256(temporary.read_bytes())
            with temporary.open("ab") as file:
                file.write(_trailer(digest, owner, generation))

        replace_file(path, write)

    @classmethod
    def load(cls, path: Path, *, dim: int, owner: str, newest: int) -> tuple["FaissVectors", int]:
        """Read what `save` wrote for `owner` at generation `newest` or before; and which it was.

        Raises:
            FileNotFoundError: There is no such file.
            DamagedVectorsError: It is damaged, or belongs to another index or a lost future.
        """
        content = path.read_bytes()
        payload = memoryview(content)[: -_TRAILER.size]
        generation = _checked_generation(payload, content[-_TRAILER.size :], owner, newest)
        store = cls(dim)
        store._index = store._faiss.deserialize_index(np.frombuffer(payload, dtype=np.uint8))
        if store._index.d != dim:
            raise DamagedVectorsError(f"it holds {store._index.d} dimensions instead of {dim}")
        return store, generation


def _owner_bytes(owner: str) -> bytes:
    return hashlib.sha256(owner.encode()).digest()


def _trailer(payload_digest: "hashlib._Hash", owner: str, generation: int) -> bytes:
    payload_digest.update(_owner_bytes(owner) + struct.pack("<Q", generation))
    return _TRAILER.pack(_MAGIC, _owner_bytes(owner), generation, payload_digest.digest())


def _checked_generation(payload: memoryview, trailer: bytes, owner: str, newest: int) -> int:
    if len(trailer) != _TRAILER.size or not trailer.startswith(_MAGIC):
        raise DamagedVectorsError("its end is missing")
    generation = int(_TRAILER.unpack(trailer)[2])
    if trailer != _trailer(hashlib.sha256(payload), owner, generation):
        raise DamagedVectorsError("its checksum is wrong, or it belongs to another index")
    if generation > newest:
        raise DamagedVectorsError(f"it is of version {generation}, the database of {newest}")
    return generation
