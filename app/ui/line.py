"""The line of questions before the one model: first come, first served.

Whoever waits can see how many are ahead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Line:
    """Who waits, in order; the first is served until they leave."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._moved = Condition()

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """A place at the end of the line, kept until the `with` block is left."""
        place = Place(self)
        with self._moved:
            self._places.append(place)
        try:
            yield place
        finally:
            with self._moved:
                self._places.remove(place)
                self._moved.notify_all()

    def num_ahead(self, place: "Place") -> int:
        """How many are served before this one."""
        with self._moved:
            return self._places.index(place)

    def wait_for_move(self, timeout_s: float) -> None:
        """Until somebody leaves the line, or the time is up."""
        with self._moved:
            self._moved.wait(timeout_s)


class Place:
    """One place in a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def num_ahead(self) -> int:
        """How many are served before this one; 0 says that it is their turn."""
        return self._line.num_ahead(self)

    def wait(self, timeout_s: float) -> None:
        """Until the line moves, at most `timeout_s` seconds."""
        self._line.wait_for_move(timeout_s)
