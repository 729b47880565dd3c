"""Lines of a text with their offsets."""

from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One line: `text` without its newline, which ends at `end`."""

    start: int
    end: int
    text: str


def iterate_lines(text: str) -> Iterator[Line]:
    """Yield every line of `text`, blank ones too."""
    start = 0
    for piece in text.split("\n"):
        yield Line(start, start + len(piece), piece)
        start += len(piece) + 1
