"""Most vectors of a large index, in 8 bits each, in a file that is mapped and not read.

`IVF<lists>,SQ8` with inner product and ids of our own (no IDMap: over IVF it goes out of sync). One
list makes it an exact scan over the 8-bit codes. Nothing is ever added; deletion is a bit in memory
and zeros over the codes in the file. Scores are approximate: the caller scores candidates again.

FAISS builds C++ structures from what a file says, so all of the file that does is compared with a
checksum before FAISS sees it: header, centroids, ranges of the quantiser, lengths of the lists.
That is 1 % of the file. The rest, codes and ids, is data of any value: damage there can cost a hit
but show no wrong score, because scores come from the database; `Index.verify` compares the two.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.stored_vectors import VectorKind
from quoth.retrieval.vectors import DamagedVectorsError, Ids, Vectors, owner_bytes

NUM_CANDIDATES = 100
_MAGIC = b"QUOTHBAS"
TRAILER = struct.Struct("<8s32s6Q32s")
_ID_BYTES = 8
_MOST_GROWTH = 2  # before the lists are laid out anew


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseNote:
    """What a base file says of itself, in its last bytes."""

    generation: int  # of the database that it was made from
    newest_id: int  # it holds all passages up to this one that were there then
    num_vectors: int
    num_lists: int
    num_probes: int  # lists looked at by a search
    num_trained: int  # vectors there were when its lists were laid out

    def packed(self, owner: str, structure: bytes) -> bytes:
        """The trailer of a file of `owner` that begins with `structure`."""
        head = TRAILER.pack(
            _MAGIC, owner_bytes(owner), self.generation, self.newest_id, self.num_vectors,
            self.num_lists, self.num_probes, self.num_trained, b"",
        )[:-32]  # fmt: skip
        return head + hashlib.sha256(structure + head).digest()


class BaseVectors:
    """Opened by `open`. Any thread may search; `forget` and `erase` are for one at a time."""

    def __init__(self, path: Path, index: Any, note: BaseNote) -> None:  # noqa: ANN401 - FAISS
        import faiss

        self.path = path
        self.note = note
        self._faiss: Any = faiss
        self._index = index
        self._live: NDArray[np.uint8] = np.full(note.newest_id // 8 + 1, 0xFF, dtype=np.uint8)
        self.num_removed = 0
        self._num_erased = 0

    @classmethod
    def open(cls, path: Path, *, dim: int, owner: str) -> "BaseVectors":
        """Map the file.

        Raises:
            FileNotFoundError: There is no such file.
            DamagedVectorsError: It is damaged, or belongs to another index.
        """
        import faiss

        note = _checked_note(path, dim, owner)
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        if (index.d, index.nlist, index.ntotal) != (dim, note.num_lists, note.num_vectors):
            raise DamagedVectorsError("its parts contradict each other")
        return cls(path, index, note)

    def __len__(self) -> int:
        return self.note.num_vectors - self.num_removed

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """Candidates for the best `k` of `query` [dim]: ids, and scores that are approximate.

        More than k; and all that score like the last of them, so that none is preferred for its
        place in the file. A filter makes the search look at as many more lists as it leaves out.
        """
        live = self._selected(allowed)
        wanted = max(NUM_CANDIDATES, 2 * k)
        probes = self._num_probes(wanted, live if allowed is not None else None)
        while True:
            whole = 2 * wanted >= self.note.num_vectors
            if whole:
                wanted, probes = self.note.num_vectors, self.note.num_lists
            ids, scores = self._found(query, wanted, probes, live)
            if len(ids) < wanted and probes < self.note.num_lists:
                probes = min(4 * probes, self.note.num_lists)
            elif whole or len(ids) < wanted or scores[-1] < scores[k - 1]:
                return list(zip(ids.tolist(), scores.tolist(), strict=True))
            else:
                wanted *= 2

    def forget(self, ids: Ids) -> None:
        """Find these no more. Ids that are too high to be here are no error."""
        ids = np.unique(ids[ids <= self.note.newest_id])
        known = ids[(self._live[ids >> 3] >> (ids & 7).astype(np.uint8)) & 1 == 1]
        np.bitwise_and.at(self._live, known >> 3, ~(1 << (known & 7)).astype(np.uint8))
        self.num_removed += len(known)

    def erase(self) -> None:
        """Write zeros over the codes of all that were forgotten: deletes are real."""
        if self._num_erased == self.num_removed:
            return
        code_bytes = self._index.code_size
        zeros = bytes(code_bytes)
        with self.path.open("r+b") as file:
            for start, ids in self._lists():
                for row in np.flatnonzero(~self._is_live(ids)):
                    file.seek(start + int(row) * code_bytes)
                    file.write(zeros)
            file.flush()
            os.fsync(file.fileno())
        self._num_erased = self.num_removed

    def ids(self) -> Ids:
        """All ids that were not forgotten, ascending."""
        held = [ids[self._is_live(ids)] for _, ids in self._lists()]
        return np.sort(np.concatenate(held)) if held else np.empty(0, dtype=np.int64)

    def decoded(self) -> Iterator[tuple[Ids, Vectors]]:
        """What the codes of the vectors say, list by list: [N], [N, dim]."""
        prefix_bytes = self._index.sa_code_size() - self._index.code_size
        for number, (_, ids) in enumerate(self._lists()):
            kept = self._is_live(ids)
            if kept.any():
                size = len(ids) * self._index.code_size
                codes = self._faiss.rev_swig_ptr(self._index.invlists.get_codes(number), size)
                prefix = np.frombuffer(number.to_bytes(prefix_bytes, "little"), dtype=np.uint8)
                rows = codes.reshape(len(ids), -1)[kept]
                full = np.hstack([np.broadcast_to(prefix, (len(rows), prefix_bytes)), rows])
                yield ids[kept], self._index.sa_decode(np.ascontiguousarray(full))

    def can_grow_to(self, num_vectors: int, kind: VectorKind) -> bool:
        """Whether its lists would do for an index of this kind and size."""
        is_kind = (kind == "sq8") == (self.note.num_lists == 1)
        return is_kind and num_vectors <= _MOST_GROWTH * self.note.num_trained

    def unmapped(self) -> Any:  # noqa: ANN401 - a FAISS index
        """A copy in memory that can be added to, without what was forgotten."""
        index = self._faiss.read_index(str(self.path))
        if self.num_removed:
            live = self._faiss.IDSelectorBitmap(self._live)
            index.remove_ids(self._faiss.IDSelectorNot(live))
        return index

    def _found(
        self, query: Vectors, wanted: int, probes: int, live: NDArray[np.uint8] | None
    ) -> tuple[Ids, Vectors]:
        selector = None if live is None else self._faiss.IDSelectorBitmap(live)
        parameters = self._faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        row = np.ascontiguousarray(query, dtype=np.float32)[None]
        scores, ids = self._index.search(row, wanted, params=parameters)
        return ids[0][ids[0] >= 0], scores[0][ids[0] >= 0]

    def _num_probes(self, wanted: int, selected: NDArray[np.uint8] | None) -> int:
        """Lists to look at: enough for the recall that was measured, and for `wanted` entries."""
        lists, held = self.note.num_lists, self.note.num_vectors
        probes = max(self.note.num_probes, -(-lists * 8 * wanted // max(held, 1)))
        if selected is not None:
            left = int(np.bitwise_count(selected).sum())
            probes = -(-probes * held // max(left, 1))
        return min(probes, lists)

    def _selected(self, allowed: Ids | None) -> NDArray[np.uint8] | None:
        if allowed is None:
            return self._live if self.num_removed else None
        chosen = np.zeros(8 * len(self._live), dtype=bool)
        chosen[allowed[allowed <= self.note.newest_id]] = True
        return np.packbits(chosen, bitorder="little") & self._live

    def _is_live(self, ids: Ids) -> NDArray[np.bool_]:
        known = np.clip(ids, 0, self.note.newest_id)  # the ids of a damaged file may be anything
        bits = (self._live[known >> 3] >> (known & 7).astype(np.uint8)) & 1
        live: NDArray[np.bool_] = (bits == 1) & (known == ids)
        return live

    def _lists(self) -> Iterator[tuple[int, Ids]]:
        """For each list, where its codes begin in the file, and its ids: [N]."""
        start = self.path.stat().st_size - TRAILER.size
        start -= self.note.num_vectors * (self._index.code_size + _ID_BYTES)
        lists = self._index.invlists
        for number in range(self.note.num_lists):
            size = lists.list_size(number)
            ids = self._faiss.rev_swig_ptr(lists.get_ids(number), size)
            yield start, np.array(ids, dtype=np.int64)
            start += size * (self._index.code_size + _ID_BYTES)


def append_note(path: Path, note: BaseNote, *, dim: int, owner: str) -> None:
    """Complete a file that FAISS has written."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        structure = file.read(size - note.num_vectors * (dim + _ID_BYTES))
        file.seek(0, os.SEEK_END)
        file.write(note.packed(owner, structure))


def _checked_note(path: Path, dim: int, owner: str) -> BaseNote:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TRAILER.size, 0))
        trailer = file.read()
        if len(trailer) != TRAILER.size or not trailer.startswith(_MAGIC):
            raise DamagedVectorsError("its end is missing")
        generation, newest_id, vectors, lists, probes, trained = TRAILER.unpack(trailer)[2:-1]
        note = BaseNote(
            generation=generation,
            newest_id=newest_id,
            num_vectors=vectors,
            num_lists=lists,
            num_probes=probes,
            num_trained=trained,
        )
        file.seek(0)
        structure_bytes = size - TRAILER.size - vectors * (dim + _ID_BYTES)
        structure = file.read(structure_bytes) if structure_bytes > 0 else b""
    if trailer != note.packed(owner, structure):
        raise DamagedVectorsError("its checksum is wrong, or it belongs to another index")
    return note
