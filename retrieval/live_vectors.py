"""The vectors that search uses: loaded on first use, and kept level with the database.

A small index is one exact FAISS index, saved as `vectors.faiss`. A large one has a base beside it:
a mapped file that is made now and then and never added to. `vectors.faiss` then holds what is newer
than the base, and what the base holds that is gone since is passed over. Candidates of the base are
scored again with the vectors of the database, so that every score is the cosine.
"""

import logging
import secrets
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np

from quoth.errors import IndexFailure
from quoth.retrieval.base_building import FLAT_MAX, BaseBuilder, Built, Step, kind_for
from quoth.retrieval.base_vectors import BaseVectors
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.manifest import Manifest
from quoth.retrieval.stored_vectors import VectorKind, VectorState
from quoth.retrieval.vectors import DamagedVectorsError, FaissVectors, Ids, Vectors

logger = logging.getLogger(__name__)

VECTORS = "vectors.faiss"
_BATCH = 10_000  # vectors compared at once
_RECENT_MIN = 20_000  # vectors beside the base, or gone from it, that are not worth a new one
_MOST_DIFFERENT = 0.3  # distance of a decoded vector from its own; another lies 1 off and more


class LiveVectors:
    """FAISS, made level with the database before every search."""

    def __init__(self, folder: Path, store: DocStore, manifest: Manifest) -> None:
        self._folder = folder
        self._path = folder / VECTORS
        self._store = store
        self._stored = store.vectors
        self._manifest = manifest
        self._lock = threading.Lock()
        self._base: BaseVectors | None = None
        self._recent: FaissVectors | None = None
        self._token = 0  # of the base
        self._generation = -1  # of the database that the vectors are level with
        self._newest_id = 0  # of all passages seen
        self._saved = -1  # generation of the file

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines, best first, at most `k`; only `allowed` ids, if given."""
        with self._lock:
            recent, _ = self._level()
            base = self._base
            newer = allowed
            if allowed is not None and base:
                newer = allowed[allowed > base.note.newest_id]
            hits = recent.search(query, k, newer)
            if base:  # equals must score alike wherever they are
                ids = [key for key, _ in hits]
                hits = _rescored(query, ids, recent.vectors(ids))
        if base:  # outside the lock: it does not change, but for deletions
            ids = [key for key, _ in base.search(query, k, allowed)]
            held, vectors = self._stored.of(ids, dim=self._manifest.dim)
            hits += _rescored(query, held.tolist(), vectors)
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]

    def save(self) -> None:
        """Bring the files up to date. Only for the holder of the writer's lock."""
        with self._lock:
            recent, state = self._level()
            try:
                if self._base:
                    self._base.erase()
                if self._saved == self._generation and (self._base or not state.base):
                    return
                if state.base and not self._base:  # lost: all vectors are among the recent
                    self._stored.use_base(0, kind=state.kind, generation=state.removals_since)
                    self._token = 0
                recent.save(self._path, owner=self._owner(self._token), generation=self._generation)
            except (OSError, RuntimeError) as error:
                raise IndexFailure(
                    f"The vectors in {self._folder} could not be written: {error}. The documents "
                    f"are indexed; the next sync tries again."
                ) from error
            self._saved = self._generation
            if not self._base:
                self._stored.shorten_log()

    def due(self) -> VectorKind | None:
        """The kind that the vectors should be made into; None while they are well as they are."""
        with self._lock:
            recent, state = self._level()
            base = self._base
        removed = base.num_removed if base else 0
        total = len(recent) + (len(base) if base else 0)
        kind = kind_for(total) if state.kind == "auto" else state.kind
        if base is None:
            return kind if kind != "flat" and total else None
        if kind == "flat":
            return kind if state.kind == "flat" or 2 * total < FLAT_MAX else None
        worn = (len(recent) > max(_RECENT_MIN, total // 20), removed > max(_RECENT_MIN, total // 5))
        return kind if any(worn) else None

    def form(self) -> str:
        """How vectors are searched, in words."""
        with self._lock:
            self._level()
            base = self._base
        if base is None:
            return "flat"
        if base.note.num_lists == 1:
            return "sq8"
        return f"ivf, {base.note.num_probes} of {base.note.num_lists} lists"

    def choice(self) -> VectorKind:
        """The kind that the user has chosen."""
        return self._stored.state().kind

    def build(self, kind: VectorKind, step: Step, *, anew: bool) -> Built:
        """Make a base of this kind; searches and changes go on meanwhile.

        Args:
            kind: The user's choice; the size decides for "auto".
            step: Told of the progress; what it raises stops the work.
            anew: Make all of it from the database, whatever there is.
        """
        with self._lock:
            recent, _ = self._level()
            base, generation = self._base, self._generation
        total = len(recent) + (len(base) if base else 0)
        chosen = kind_for(total) if kind == "auto" else kind
        if chosen == "flat" or not total:
            return Built(kind=kind)
        token = secrets.randbits(62) + 1
        path = self._base_path(token)
        builder = BaseBuilder(
            self._stored, dim=self._manifest.dim, owner=self._owner(token), step=step
        )
        if base and not anew and base.can_grow_to(total, chosen):
            note = builder.extend(path, base, generation)
        else:
            note = builder.build(path, chosen)
        return Built(kind=kind, token=token, note=note)

    def publish(self, built: Built) -> None:
        """Use `built` from now on, here and elsewhere. Only for the holder of the writer's lock.

        `save` must follow. A build that has become too old is dropped: the next one will do.
        """
        state = self._stored.state()
        generation = built.note.generation if built.note else state.removals_since
        if generation < state.removals_since:
            self._base_path(built.token).unlink(missing_ok=True)
            return
        self._stored.use_base(built.token, kind=built.kind, generation=generation)
        self._path.unlink(missing_ok=True)  # it completes another base
        self.delete_strays()

    def strays(self) -> list[Path]:
        """Base files that are not in use: replaced ones, and those of builds that were killed."""
        current = self._base_path(self._stored.state().base)
        return [path for path in self._folder.glob("vectors-*") if path != current]

    def delete_strays(self) -> None:
        """Only for the one who may build: another's file would be among them."""
        for path in self.strays():
            with suppress(PermissionError):  # Windows keeps what another process has mapped
                path.unlink(missing_ok=True)

    def problems(self) -> list[str]:
        """How memory, files and database differ."""
        found = self._file_problems()
        with self._lock:
            recent, _ = self._level()
            base_ids = self._base.ids() if self._base else np.empty(0, dtype=np.int64)
            ids = np.concatenate([base_ids, recent.ids()])
            if not np.array_equal(np.sort(ids), self._stored.ids()):
                found.append("vectors and passages do not have the same ids")
            elif not self._agrees(recent):
                found.append(f"{VECTORS} and the database hold different vectors")
            elif self._base and not self._is_like(self._base):
                found.append(
                    f"{self._base.path.name} and the database hold different vectors; make it "
                    f"again with: quoth index optimise --index {self._folder}"
                )
        return found

    def _level(self) -> tuple[FaissVectors, VectorState]:
        state = self._stored.state()
        is_known = state.base == self._token and self._generation >= state.removals_since
        recent = self._recent if is_known else None
        if recent is None:
            recent = self._recent = self._loaded(state)
        if self._generation != state.generation:
            removed = np.asarray(self._stored.removed_since(self._generation), dtype=np.int64)
            recent.remove(removed.tolist())
            if self._base:
                self._base.forget(removed)
            for ids, vectors in self._stored.after(self._newest_id, dim=self._manifest.dim):
                recent.add(ids.tolist(), vectors, are_new=True)
                self._newest_id = int(ids[-1])
            self._generation = state.generation
        return recent, state

    def _loaded(self, state: VectorState) -> FaissVectors:
        """What the files hold, or nothing; `_level` completes it."""
        self._token, self._saved = state.base, -1
        self._base = self._opened_base(state) if state.base else None
        self._newest_id = self._base.note.newest_id if self._base else 0
        self._generation = self._base.note.generation if self._base else -1
        empty = FaissVectors(self._manifest.dim)
        if state.base and not self._base:
            return empty
        try:
            recent, saved = self._read_recent(state)
        except FileNotFoundError:
            logger.info("%s is not there; making it from the database", self._path)
            return empty
        except DamagedVectorsError as error:
            logger.warning("%s is damaged (%s); using the database instead", self._path, error)
            return empty
        self._saved = saved
        self._newest_id = max(self._newest_id, *recent.ids().tolist()[-1:], 0)
        self._generation = self._base.note.generation if self._base else saved
        return recent

    def _opened_base(self, state: VectorState) -> BaseVectors | None:
        path = self._base_path(state.base)
        try:
            base = BaseVectors.open(path, dim=self._manifest.dim, owner=self._owner(state.base))
        except (FileNotFoundError, DamagedVectorsError) as error:
            logger.warning("%s is damaged (%s); using the database instead", path, error)
            return None
        return base if base.note.generation >= state.removals_since else None

    def _read_recent(self, state: VectorState) -> tuple[FaissVectors, int]:
        recent, saved = FaissVectors.load(
            self._path,
            dim=self._manifest.dim,
            owner=self._owner(state.base),
            newest=state.generation,
        )
        if saved < state.removals_since:
            raise DamagedVectorsError(f"it is of version {saved}, too old to be completed")
        return recent, saved

    def _file_problems(self) -> list[str]:
        state = self._stored.state()
        found = []
        if state.base:
            path = self._base_path(state.base)
            try:
                BaseVectors.open(path, dim=self._manifest.dim, owner=self._owner(state.base))
            except FileNotFoundError:
                found.append(f"{path.name} is missing; the next sync makes it again")
            except DamagedVectorsError as error:
                found.append(f"{path.name} is damaged: {error}; the next sync makes it again")
        try:
            self._read_recent(state)
        except FileNotFoundError:
            if state.generation:
                found.append(f"{VECTORS} is missing; the next sync writes it")
        except DamagedVectorsError as error:
            found.append(f"{VECTORS} is damaged: {error}; the next sync writes it again")
        return found

    def _agrees(self, recent: FaissVectors) -> bool:
        ids = recent.ids().tolist()
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            _, stored = self._stored.of(part, dim=self._manifest.dim)
            if recent.vectors(part).tobytes() != stored.tobytes():
                return False
        return True

    def _is_like(self, base: BaseVectors) -> bool:
        for ids, decoded in base.decoded():
            order = np.argsort(ids)
            _, stored = self._stored.of(ids[order].tolist(), dim=self._manifest.dim)
            if len(stored) < len(ids):
                return False
            if np.linalg.norm(decoded[order] - stored, axis=1).max() > _MOST_DIFFERENT:
                return False
        return True

    def _owner(self, token: int) -> str:
        """Whose a file is: of this index, and in the company of that base."""
        index_id = self._manifest.index_id
        return f"{index_id}/{token:016x}" if token else index_id

    def _base_path(self, token: int) -> Path:
        return self._folder / f"vectors-{token:016x}.faiss"


def _rescored(query: Vectors, ids: list[int], vectors: Vectors) -> list[tuple[int, float]]:
    """True cosines: [N, dim] by [dim], so precise that equal vectors score alike."""
    scores = (vectors.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    return list(zip(ids, scores.tolist(), strict=True))
