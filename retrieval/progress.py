"""How long work tells where it is."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then, from the thread that works; what it raises stops the work."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Tell that `done` of `total` units are done; `what` names the work in hand."""
        ...
