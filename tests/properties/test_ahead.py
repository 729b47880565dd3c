"""Whatever workers do ahead, in whatever order, the index is that of a sync without them.

The embedder gives a text other bits in another batch, as models do; so equal vectors mean that the
very same batches were embedded.
"""

import tempfile
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.folders import write_files
from helpers.index_contents import contents
from quoth.app.ahead import AheadPreparer, Worker
from quoth.app.ray_pool import Job, WorkerLostError
from quoth.retrieval import HashingEmbedder, Index, Progress
from quoth.retrieval.loaders import load
from quoth.retrieval.preparing import ExpectedFile, LocalPreparer, Recipe


class BatchEmbedder(HashingEmbedder):
    """The last bits of a vector depend on what else was embedded with it."""

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> np.ndarray:
        noise = zlib.crc32("\n".join(texts).encode()) / 2**32
        return super().embed(texts, progress=progress) * np.float32(1 + 1e-5 * noise)


class HastyWorker(Worker):
    """Sees some files before they were changed to what they are now."""

    def __init__(self, recipe: Recipe, draw: Random, staleness: float) -> None:
        super().__init__(BatchEmbedder, recipe)
        self._parser = SimpleNamespace(load=partial(load, limits=recipe.limits))
        self._draw = draw
        self._staleness = staleness
        self.greet()

    def look(self, expected: ExpectedFile):
        if self._draw.random() < self._staleness:
            return self.prepare(expected.file, b"what it was before")
        return super().look(expected)


class DrawnPool:
    """Does jobs here, in any order; `losses` of them are given up."""

    def __init__(self, worker: Worker, draw: Random, losses: float) -> None:
        self._worker = worker
        self._draw = draw
        self._losses = losses
        self._waiting: list[Job] = []
        self.lost: list[Job] = []

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        self._waiting.append(job)

    def withdraw(self, job: Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)

    def collect(self, *, wait: bool = False) -> None:
        for _ in range(self._draw.randint(int(wait), 4)):
            if self._waiting:
                job = self._waiting.pop(self._draw.randrange(len(self._waiting)))
                if self._draw.random() < self._losses:
                    self.lost.append(job)
                else:
                    job.value = getattr(self._worker, job.method)(*job.arguments)
                job.is_done = True

    def result(self, job: Job):
        while not job.is_done:
            self.collect(wait=True)
        if job in self.lost:
            raise WorkerLostError(LOST)
        return job.value


LOST = "it is lost"
PARTS = st.lists(st.sampled_from([f"Part {n}. " + f"word{n} " * 150 for n in range(6)]), max_size=4)
FOLDERS = st.dictionaries(st.sampled_from([f"{n}.txt" for n in range(12)]), PARTS)


def synced(folder: Path, docs: Path, opened) -> list[tuple]:
    with Index.open_or_create(folder, embedder=BatchEmbedder()) as index:
        index.sync([docs], preparer=opened)
        return contents(index)


def locally(embedder, recipe: Recipe):
    return nullcontext(LocalPreparer(embedder, recipe, partial(load, limits=recipe.limits)))


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(
    first=FOLDERS,
    second=FOLDERS,
    window=st.integers(1, 6),
    staleness=st.sampled_from([0, 0.3]),
    draw=st.randoms(use_true_random=False),
)
def test_the_index_is_the_same_bit_for_bit(first, second, window, staleness, draw) -> None:
    def ahead(embedder, recipe: Recipe):
        pool = DrawnPool(HastyWorker(recipe, draw, staleness), draw, losses=0)
        return nullcontext(AheadPreparer(pool, max_files=window, max_bytes=20_000))

    with tempfile.TemporaryDirectory() as name:
        docs = Path(name) / "docs"
        docs.mkdir()
        for files in (first, second):
            for path in docs.iterdir():
                path.unlink()
            write_files(docs, {file: "\n\n".join(parts) for file, parts in files.items()})
            expected = synced(Path(name) / "local", docs, locally)
            assert synced(Path(name) / "ahead", docs, ahead) == expected


@settings(deadline=None, max_examples=8)
@given(files=FOLDERS, draw=st.randoms(use_true_random=False))
def test_what_is_lost_is_skipped_and_comes_with_the_next_sync(files, draw) -> None:
    def ahead(embedder, recipe: Recipe):
        pool = DrawnPool(HastyWorker(recipe, draw, 0), draw, losses=0.2)
        return nullcontext(AheadPreparer(pool, max_files=4))

    with tempfile.TemporaryDirectory() as name:
        docs = Path(name) / "docs"
        docs.mkdir()
        write_files(docs, {file: "\n\n".join(parts) for file, parts in files.items()})
        with Index.create(Path(name) / "index", embedder=BatchEmbedder()) as index:
            skipped = index.sync([docs], preparer=ahead).skipped
            assert {file.reason for file in skipped} <= {"empty", f"could not be read: {LOST}"}
            kept = len(contents(index))
            again = index.sync([docs], preparer=locally)
            assert {file.reason for file in again.skipped} <= {"empty"}
            texts = sorted(text for _, text, _ in contents(index))
            assert again.added == len(texts) - kept
        expected = synced(Path(name) / "local", docs, locally)
        assert texts == sorted(text for _, text, _ in expected)
