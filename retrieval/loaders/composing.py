"""Blocks of text to one canonical text, with the ranges of what it is made of."""

import re
from dataclasses import dataclass, field

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.types import Location

_SPACE = re.compile(r"\s+")
_MAX_TITLE = 120


def one_line(raw: str) -> str:
    """`raw` in canonical form, its white space folded: a cell, a title."""
    return _SPACE.sub(" ", canonical_text(raw)).strip()


def table_line(cells: list[str]) -> str:
    """The row of a table: cells in their places, empty ones at the end left out."""
    return re.sub(r"\|  (?=\|)", "| ", " | ".join(cells)).rstrip(" |")


@dataclass(slots=True)
class Composer:
    """Takes blocks in reading order; each is canonical text, and is not changed any more."""

    limits: LoadLimits
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    headings: list[Heading] = field(default_factory=list)
    kept_whole: list[tuple[int, int]] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)

    def add(self, text: str, *, gap: int = 2, level: int = 0) -> tuple[int, int]:
        """Append a block after `gap` newlines; with a `level` it is a heading. Gives its range.

        Raises:
            DocumentError: The text grows longer than the limits allow.
        """
        self.append("\n" * gap if self.pieces else "")
        start = self.length
        self.append(text)
        if level:
            title = " ".join(text.split())[:_MAX_TITLE].rstrip()
            self.headings.append(Heading(start=start, end=self.length, level=level, title=title))
        return start, self.length

    def append(self, text: str) -> None:
        """Append to the current block. Raises what `add` does."""
        if not text:
            return
        self.pieces.append(text)
        self.length += len(text)
        if self.length > self.limits.max_chars:
            raise DocumentError(
                f"too large: more than {self.limits.max_chars:,} characters, which are allowed"
            )

    def locate(self, label: str, start: int | None = None) -> None:
        """What stands from `start` on, or comes next, stands at `label` in the file."""
        at = self.length if start is None else start
        self.locations.append(Location(start=at, label=label))

    def keep_whole(self, start: int, end: int) -> None:
        """Let no passage begin or end within the range, if it fits into one."""
        if start < end:
            self.kept_whole.append((start, end))

    def document(self, format: str, title: str) -> LoadedDocument:
        """What was composed; without a title, the first heading gives it."""
        return LoadedDocument(
            text="".join(self.pieces),
            format=format,
            title=title or (self.headings[0].title if self.headings else ""),
            headings=tuple(self.headings),
            kept_whole=tuple(self.kept_whole),
            locations=tuple(self.locations),
        )
