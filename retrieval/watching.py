"""Keeps an index in step with folders while they change.

The system tells of changes; what it misses (a folder that was deleted and made again, a network
disk, a limit on watches) is found by looking now and then. Every sync is the ordinary one.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from quoth.errors import IndexBusyError, IndexFailure, IndexFormatError, InputError
from quoth.retrieval.progress import Progress
from quoth.retrieval.reports import SyncReport
from quoth.retrieval.walking import JUNK_FOLDERS

logger = logging.getLogger(__name__)

_LOOK_S = 1.0  # between looks whether the paths are still the same ones
_RETRY_S = 15.0  # after a failure
_BUSY_WAIT_S = 0.5


class Syncing(Protocol):
    """What is kept in step: an `Index`."""

    path: Path

    def sync(
        self,
        paths: Sequence[Path],
        *,
        progress: Progress | None = None,
        root: Path | None = None,
        wait_s: float = ...,
    ) -> SyncReport:
        """See `Index.sync`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """A sync that was made, or a problem that is waited out."""

    report: SyncReport | None = None
    problem: str = ""


class _StoppedError(Exception):
    """Raised from within a sync to end it between two files."""


def watch(
    index: Syncing,
    paths: Sequence[Path],
    *,
    stop: threading.Event,
    root: Path | None = None,
    quiet_s: float = 1.0,
    rescan_s: float = 600.0,
) -> Iterator[WatchEvent]:
    """Sync `paths` now and whenever something changes below them, until `stop` is set.

    A sync in work then ends after its current file. While another process writes, this waits. The
    documents of a path that is gone stay until it is back. Other failures are told, and tried
    again.

    Args:
        index: The index.
        paths: Files and folders.
        stop: Ends it from any thread, or from a signal handler.
        root: As for `Index.sync`.
        quiet_s: How long nothing must have changed before a sync.
        rescan_s: A sync is made after so long without one, in case changes were missed.

    Raises:
        InputError: None of the paths exists at the beginning.
        IndexFormatError: The index is damaged.
    """
    _check_there(paths)
    times = _Times(quiet_s=quiet_s, rescan_s=rescan_s)
    absent: set[Path] = set()
    while not stop.is_set():
        marks = _marks(paths)
        present = [path for path in paths if path.exists()]
        gone = set(paths) - set(present)
        if gone - absent:
            yield _told_gone(gone - absent)
        absent = gone
        yield from _while_same(paths, marks, _rounds(index, present, stop, root, times))


def _while_same(
    paths: Sequence[Path], marks: list[tuple[int, ...]], rounds: Iterator[WatchEvent | None]
) -> Iterator[WatchEvent]:
    """The events of `rounds`, until the paths are no longer the ones that had these marks."""
    for event in rounds:
        if event:
            yield event
        if _marks(paths) != marks:
            return


def _check_there(paths: Sequence[Path]) -> None:
    if not any(path.exists() for path in paths):
        names = ", ".join(repr(str(path)) for path in paths)
        raise InputError(f"There is no file or folder {names}. Check the path.")


def _told_gone(paths: Iterable[Path]) -> WatchEvent:
    names = ", ".join(sorted(map(str, paths)))
    return WatchEvent(problem=f"{names} is gone; its documents stay until it is back")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    quiet_s: float
    rescan_s: float


def _rounds(
    index: Syncing,
    paths: Sequence[Path],
    stop: threading.Event,
    root: Path | None,
    times: _Times,
) -> Iterator[WatchEvent | None]:
    """Sync when something has changed, or after a while; None about once a second."""
    due = 0.0
    for changed in _changes(index.path, paths, stop, times.quiet_s):
        if isinstance(changed, WatchEvent):
            yield changed
        elif changed or time.monotonic() >= due:
            for event in _synced(index, paths, stop, root):
                patience = times.rescan_s if event.report else min(_RETRY_S, times.rescan_s)
                due = time.monotonic() + patience
                yield event
        yield None


def _synced(
    index: Syncing, paths: Sequence[Path], stop: threading.Event, root: Path | None
) -> Iterator[WatchEvent]:
    """One sync, as soon as nobody else writes; until then, a word that somebody does."""
    event, is_told = None, False
    while paths and event is None and not stop.is_set():
        event = _attempt(index, paths, stop, root)
        if event is None and not is_told and not stop.is_set():
            yield WatchEvent(problem="another process is writing; waiting until it is done")
            is_told = True
    if event:
        yield event


def _attempt(
    index: Syncing, paths: Sequence[Path], stop: threading.Event, root: Path | None
) -> WatchEvent | None:
    """One sync; None if somebody else writes, or it was stopped."""

    def progress(done: int, total: int, what: str) -> None:  # noqa: ARG001 - a Progress
        if stop.is_set():
            raise _StoppedError

    try:
        report = index.sync(paths, progress=progress, root=root, wait_s=_BUSY_WAIT_S)
    except (_StoppedError, IndexBusyError):
        return None
    except IndexFormatError:
        raise
    except (IndexFailure, InputError, OSError) as error:
        return WatchEvent(problem=str(error))
    except (MemoryError, RuntimeError, ValueError) as error:  # of the embedder, mostly
        logger.exception("a sync failed")
        return WatchEvent(problem=f"the sync failed: {type(error).__name__}: {error}")
    return WatchEvent(report=report)


def _changes(
    index_path: Path, paths: Sequence[Path], stop: threading.Event, quiet_s: float
) -> Iterator[bool | WatchEvent]:
    """Whether something has changed, about once a second; first when the watch is set up."""
    from watchfiles import watch as watch_files

    while not paths and not stop.wait(_LOOK_S):
        yield False
    try:
        for changes in watch_files(
            *paths,
            watch_filter=_Filter(index_path, paths),
            step=max(1, int(quiet_s * 1000)),
            debounce=int(max(10 * quiet_s, 1.6) * 1000),
            stop_event=stop,
            rust_timeout=int(_LOOK_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            yield bool(changes)
    except OSError as error:  # such as the system's limit on watches
        yield WatchEvent(problem=f"changes are not told ({error}); looking for them instead")
    yield True
    while not stop.wait(_RETRY_S):
        yield True


def _marks(paths: Sequence[Path]) -> list[tuple[int, ...]]:
    """What tells a folder from one made anew in its place, and a file from its next version."""
    marks: list[tuple[int, ...]] = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            marks.append(())
            continue
        marks.append((facts.st_dev, facts.st_ino))
        if not path.is_dir():
            marks.append((facts.st_size, facts.st_mtime_ns))
    return marks


class _Filter:
    """Passes over what a sync does not look at: above all, the index itself."""

    def __init__(self, index_path: Path, paths: Sequence[Path]) -> None:
        self._index = os.path.realpath(index_path)
        self._roots = [os.path.realpath(path) for path in paths]

    def __call__(self, _change: object, path: str) -> bool:
        """Whether a change matters."""
        place = Path(os.path.realpath(Path(path).parent)) / Path(path).name
        if place.is_relative_to(self._index):
            return False
        for root in self._roots:
            if place.is_relative_to(root):
                parts = place.relative_to(root).parts
                return not any(part.startswith(".") or part in JUNK_FOLDERS for part in parts)
        return True
