"""Makes the vectors of a large index anew, in a thread of its own, while searches go on.

One process at a time does so. Only the moment in which the new file takes the place of the old one
needs the writer's lock; a build that is broken off has changed nothing.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from quoth.errors import IndexBusyError, IndexFailure
from quoth.retrieval.base_building import Built
from quoth.retrieval.live_vectors import LiveVectors
from quoth.retrieval.locking import writer_lock
from quoth.retrieval.progress import Progress
from quoth.retrieval.stored_vectors import VectorKind

logger = logging.getLogger(__name__)

BUILDER_LOCK = "builder.lock"
_TURN_S = 1.0

Change = Callable[[float], AbstractContextManager[None]]


class _StoppedError(Exception):
    """The index is being closed."""


class Optimiser:
    """Runs builds: at once, or in the background where one is due."""

    def __init__(self, folder: Path, vectors: LiveVectors, change: Change) -> None:
        self._folder = folder
        self._vectors = vectors
        self._change = change  # gives the right to write for a while; waits for it, in seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, kind: VectorKind, progress: Progress | None = None) -> None:
        """Make the vectors anew, as this kind from now on.

        Raises:
            IndexBusyError: Another process is at it.
        """
        self.stop()
        self._stopping.clear()
        self._run(kind, progress, anew=True)

    def finish(self, progress: Progress | None = None) -> None:
        """Do now what is due, or wait until it is done. Who else is at it may go on."""
        if self._thread:
            self._thread.join()
            self._thread = None
        self._run_due(progress)

    def start(self) -> None:
        """Do what is due in the background; delete what builds left behind that were killed."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._vectors.strays():
            with suppress(IndexBusyError), writer_lock(self._folder, 0.0, BUILDER_LOCK):
                self._vectors.delete_strays()
        if self._vectors.due():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run_quietly, name="quoth-optimise")
            self._thread.start()

    def stop(self) -> None:
        """Break off what runs in the background; the next sync begins it anew."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _run_quietly(self) -> None:
        try:
            self._run_due(None)
        except _StoppedError:
            logger.info("making the vectors of %s anew was broken off", self._folder)
        except (IndexFailure, OSError, RuntimeError) as error:
            logger.warning("the vectors of %s could not be made anew: %s", self._folder, error)

    def _run_due(self, progress: Progress | None) -> None:
        if self._vectors.due():
            try:
                self._run(self._vectors.choice(), progress, anew=False)
            except IndexBusyError:
                logger.info("another process makes the vectors of %s anew", self._folder)

    def _run(self, kind: VectorKind, progress: Progress | None, *, anew: bool) -> None:
        def step(done: int, total: int, what: str) -> None:
            if self._stopping.is_set():
                raise _StoppedError
            if progress:
                progress(done, total, what)

        with writer_lock(self._folder, 0.0, BUILDER_LOCK):
            self._publish(self._vectors.build(kind, step, anew=anew))

    def _publish(self, built: Built) -> None:
        while not self._stopping.is_set():
            try:
                with self._change(_TURN_S):
                    self._vectors.publish(built)
            except IndexBusyError:
                continue
            return
        raise _StoppedError
