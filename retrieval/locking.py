"""One writer at a time, across processes. The system lets go of the lock when a process dies."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quoth.errors import IndexBusyError, IndexFailure

LOCK_FILE = "writer.lock"
WAIT_S = 10.0
_PAUSE_S = 0.05


@contextmanager
def writer_lock(folder: Path, wait_s: float = WAIT_S, lock_file: str = LOCK_FILE) -> Iterator[None]:
    """Hold the right to write to the index in `folder`; wait for it for `wait_s` seconds at most.

    Another `lock_file` stands for another right, of which there is one as well.

    Raises:
        IndexBusyError: Somebody else still holds it.
        IndexFailure: The folder cannot be written to.
    """
    path = folder / lock_file
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise IndexFailure(
            f"The index in {folder} cannot be changed: {error.strerror}. Give a folder that you "
            f"may write to with --index."
        ) from error
    try:
        _wait_for_lock(descriptor, folder, wait_s)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock


def _wait_for_lock(descriptor: int, folder: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not _locked(descriptor, folder):
        if time.monotonic() >= deadline:
            raise IndexBusyError(
                f"The index in {folder} is being written by another process, which was not done "
                f"after {wait_s:g} s. Try again when it is, or give another folder with --index; "
                f"searches work meanwhile."
            )
        time.sleep(_PAUSE_S)


def _locked(descriptor: int, folder: Path) -> bool:
    """Take the lock if it is free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the latter on Windows
        return False
    except OSError as error:
        raise IndexFailure(
            f"The index in {folder} cannot be locked: {error.strerror}. Put it on a disk whose "
            f"file system has locks, with --index."
        ) from error
    return True
