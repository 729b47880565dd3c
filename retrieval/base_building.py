"""Makes a base file out of the vectors of the database, or out of an earlier base file."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from quoth.retrieval.atomic import replace_file
from quoth.retrieval.base_vectors import NUM_CANDIDATES, BaseNote, BaseVectors, append_note
from quoth.retrieval.stored_vectors import StoredVectors, VectorKind
from quoth.retrieval.vectors import Ids, Vectors

logger = logging.getLogger(__name__)

FLAT_MAX = 100_000  # vectors: 154 MB of 384 dimensions, 12 ms to look through
SQ8_MAX = 200_000  # 77 MB, 22 ms; more lists cost recall before they gain time
_PER_LIST = 64  # vectors that one list is laid out by; FAISS asks for 39 at least
_ROUNDS = 10  # of k-means
_MARGIN = 0.25  # of the range of values in the sample, on either side, for what comes later
_NUM_MEASURED = 64  # queries, ten neighbours each
_LEAST_RECALL = 0.99  # above what is promised: questions lie further off than passages do
_NEIGHBOURS = 10

Step = Callable[[int, int, str], None]  # may raise to stop the work


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A base file that nobody uses yet; without a note, the wish to have none."""

    kind: VectorKind  # as the user wants it
    token: int = 0
    note: BaseNote | None = None


def kind_for(num_vectors: int) -> VectorKind:
    """The exact one while it is fast, then eight bits, then lists."""
    if num_vectors <= FLAT_MAX:
        return "flat"
    return "sq8" if num_vectors <= SQ8_MAX else "ivf"


def num_lists_for(kind: VectorKind, num_vectors: int) -> int:
    """Lists of an index of this size: one is an exact scan."""
    if kind == "sq8":
        return 1
    return max(1, min(round(2 * math.sqrt(num_vectors)), num_vectors // 39))


class BaseBuilder:
    """Builds one file; the database may change meanwhile, and searches go on."""

    def __init__(self, stored: StoredVectors, *, dim: int, owner: str, step: Step) -> None:
        self._stored = stored
        self._dim = dim
        self._owner = owner
        self._step = step

    def build(self, path: Path, kind: VectorKind, *, seed: int = 0) -> BaseNote:
        """Lay out lists by a sample, put all vectors in, and measure how many lists to look at."""
        state = self._stored.state()
        ids = self._stored.ids()
        ids = ids[ids <= state.newest_id]
        sample = np.random.default_rng(seed).permutation(ids)
        num_lists = num_lists_for(kind, len(ids))
        index = self._trained(sample, num_lists, len(ids))
        self._fill(index, 0, state.newest_id, len(ids))
        note = BaseNote(
            generation=state.generation,
            newest_id=state.newest_id,
            num_vectors=index.ntotal,
            num_lists=num_lists,
            num_probes=self._measured(index, sample[:_NUM_MEASURED]),
            num_trained=len(ids),
        )
        return self._written(index, note, path)

    def extend(self, path: Path, earlier: BaseVectors, generation: int) -> BaseNote:
        """Take over an earlier base as it is, without the deleted, with what came after it.

        `generation` is one that `earlier` knows all deletions of.
        """
        state = self._stored.state()
        index = earlier.unmapped()
        self._fill(index, earlier.note.newest_id, state.newest_id, len(earlier))
        note = replace(
            earlier.note,
            generation=generation,
            newest_id=state.newest_id,
            num_vectors=index.ntotal,
        )
        return self._written(index, note, path)

    def _trained(self, sample: Ids, num_lists: int, total: int) -> Any:  # noqa: ANN401 - FAISS
        import faiss

        self._step(0, total, "laying out lists")
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(self._dim),
            self._dim,
            num_lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        index.by_residual = False  # of a list laid out for others, a residual may be any size
        index.sq.rangestat_arg = _MARGIN
        index.cp.spherical = True
        index.cp.niter = _ROUNDS
        index.cp.max_points_per_centroid = _PER_LIST
        index.cp.min_points_per_centroid = 1  # said once, by `num_lists_for`
        chosen = np.sort(sample[: max(_PER_LIST * num_lists, 10_000)])
        _, vectors = self._stored.of(chosen.tolist(), dim=self._dim)
        index.train(vectors)
        return index

    def _fill(self, index: Any, first: int, last: int, total: int) -> None:  # noqa: ANN401 - FAISS
        for ids, vectors in self._stored.after(first, last=last, dim=self._dim):
            self._step(index.ntotal, max(total, index.ntotal), "vectors")
            index.add_with_ids(vectors, ids)

    def _measured(self, index: Any, sample: Ids) -> int:  # noqa: ANN401 - a FAISS index
        """The fewest lists that find what a look into all of them finds, for passages' vectors."""
        ids, queries = self._stored.of(sample.tolist(), dim=self._dim)
        expected = self._neighbours(index, ids, queries, index.nlist)
        probes = 1
        while probes < index.nlist:
            self._step(index.ntotal, index.ntotal, "measuring")
            found = self._neighbours(index, ids, queries, probes)
            hits = sum(len(a & b) for a, b in zip(found, expected, strict=True))
            if hits >= _LEAST_RECALL * sum(map(len, expected)):
                break
            probes *= 2
        logger.info("looking at %d of %d lists", min(probes, index.nlist), index.nlist)
        return int(min(probes, index.nlist))

    def _neighbours(
        self,
        index: Any,  # noqa: ANN401 - a FAISS index
        ids: Ids,
        queries: Vectors,
        probes: int,
    ) -> list[set[int]]:
        import faiss

        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = probes
        rows = index.search(queries, min(NUM_CANDIDATES, index.ntotal), params=parameters)[1]
        return [
            set(row[row != own][:_NEIGHBOURS].tolist()) - {-1}
            for row, own in zip(rows, ids, strict=True)
        ]

    def _written(self, index: Any, note: BaseNote, path: Path) -> BaseNote:  # noqa: ANN401 - FAISS
        def write(temporary: Path) -> None:
            import faiss

            faiss.write_index(index, str(temporary))
            append_note(temporary, note, dim=self._dim, owner=self._owner)

        replace_file(path, write)
        return note
