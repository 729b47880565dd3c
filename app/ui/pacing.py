"""Passes on the latest of many states, at most once in a frame.

The states are made in a thread of their own, so that the last one before a pause is not held back.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from threading import Condition, Thread
from typing import Generic, TypeVar

State = TypeVar("State")


def paced(states: Generator[State, None, None], *, frame_s: float) -> Iterator[State]:
    """The latest of the states, at most every `frame_s` seconds, and always the last one.

    If the caller stops early, `states` is closed at its next state, in its own thread.
    """
    latest = _Latest[State]()
    Thread(target=latest.follow, args=(states,), name="quoth-answer", daemon=True).start()
    try:
        while (news := latest.take()) is not None:
            yield news[0]
            latest.rest(frame_s)
    finally:
        latest.leave()


class _Latest(Generic[State]):
    """The latest state that nobody has taken yet; one thread makes states, another takes them."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: tuple[State] | None = None
        self._is_over = False
        self._is_left = False
        self._error: BaseException | None = None

    def follow(self, states: Generator[State, None, None]) -> None:
        """Run the states to their end, or until nobody takes them any more."""
        try:
            with closing(states):
                for state in states:
                    if not self._put(state):
                        break
        except Exception as error:  # noqa: BLE001 - raised again in the thread that takes
            self._error = error
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _put(self, state: State) -> bool:
        with self._changed:
            self._waiting = (state,)
            self._changed.notify_all()
            return not self._is_left

    def take(self) -> tuple[State] | None:
        """The latest state, when there is one; None when all are taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._is_over)
            taken, self._waiting = self._waiting, None
        if taken is None and self._error is not None:
            raise self._error
        return taken

    def rest(self, frame_s: float) -> None:
        """Let the frame pass, or less if all states have come."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, timeout=frame_s)

    def leave(self) -> None:
        """Take no more."""
        with self._changed:
            self._is_left = True
