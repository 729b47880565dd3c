"""One writer at a time, across processes. The system lets go of the lock when a process dies."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quoth.errors import IndexBusyError, IndexFailure

LOCK_FILE = "writer.lock"


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the right to write to the index in `folder`.

    Raises:
        IndexBusyError: Somebody else holds it.
        IndexFailure: The folder cannot be written to.
    """
    path = folder / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise IndexFailure(
            f"The index in {folder} cannot be changed: {error.strerror}. Give a folder that you "
            f"may write to with --index."
        ) from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock


def _lock(descriptor: int, folder: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise IndexBusyError(
            f"Another process is writing to the index in {folder}. Wait until it is done; searches "
            f"work meanwhile."
        ) from error
