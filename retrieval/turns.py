"""A lock with two doors: long work takes turns piece by piece, and lets what is urgent go first."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """One at a time. Patient callers queue behind each other, so at most one competes."""

    def __init__(self) -> None:
        self._patient = Lock()
        self._next = Lock()
        self._working = Lock()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """For one piece of work that may wait."""
        with self._patient, self.urgent():
            yield

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """For work that waits for nothing but the piece in hand."""
        with self._next:
            self._working.acquire()
        try:
            yield
        finally:
            self._working.release()
