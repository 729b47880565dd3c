"""The values that every layer speaks: passages, turns and citations.

Offsets are Unicode code points and half-open, `[start, end)`. Pages count from 1. This module knows
only the standard library.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Role = Literal["user", "assistant"]
SourceKind = Literal["document", "turn"]
Origin = Literal["copied", "matched"]

_COUNTED = re.compile(r"(.+) (\d+)")  # page 3
_CELL = re.compile(r"(.+!)([A-Z]+)(\d+)")  # Budget!B12


def _check_range(start: int, end: int) -> None:
    if not 0 <= start <= end:
        raise ValueError(f"not a half-open range: start={start}, end={end}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpan:
    """A range of a source's text: a document's canonical text, or a turn's text."""

    source_id: str
    start: int
    end: int

    def __post_init__(self) -> None:
        _check_range(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the text from `start` on stands in its file, up to the next location of the document.

    `label` is as users of such files say it: "page 3", "slide 2", "Budget!B12", "line 40".
    """

    start: int
    label: str


def locations_in(locations: Sequence[Location], start: int, end: int) -> tuple[Location, ...]:
    """Those of `[start, end)`, the first one moved to `start`. They come by start."""
    first = bisect_right(locations, start, key=_start_of) - 1
    last = bisect_right(locations, max(start, end - 1), key=_start_of)
    inside = locations[max(0, first) : last]
    return tuple(replace(each, start=max(start, each.start)) for each in inside)


def location_between(locations: Sequence[Location], start: int, end: int) -> str:
    """What `[start, end)` is called: "slide 3", "lines 4-9", "Budget!A2:B4"; empty: not known."""
    labels = [each.label for each in locations_in(locations, start, end)]
    return _from_to(labels) if labels else ""


def _start_of(location: Location) -> int:
    return location.start


def _from_to(labels: Sequence[str]) -> str:
    """One name for all of `labels`."""
    first, last = labels[0], labels[-1]
    if first == last:
        return first
    begin, end = _COUNTED.fullmatch(first), _COUNTED.fullmatch(last)
    if begin and end and begin[1] == end[1]:
        return f"{begin[1]}s {begin[2]}-{end[2]}"
    return _cells(labels) or f"{first} - {last}"


def _cells(labels: Sequence[str]) -> str:
    """The range around cells of one sheet, row by row: the last row may be a short one."""
    cells = [cell for cell in map(_CELL.fullmatch, labels) if cell]
    if len(cells) < len(labels) or len({cell[1] for cell in cells}) > 1:
        return ""
    _, left = min((len(cell[2]), cell[2]) for cell in cells)
    _, right = max((len(cell[2]), cell[2]) for cell in cells)
    return f"{cells[0][1]}{left}{cells[0][3]}:{right}{cells[-1][3]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk of one document: always `canonical_text[start:end] == text`."""

    id: str
    document_id: str
    document: str  # name or path as the user knows it
    text: str
    start: int
    end: int
    page: int | None = None  # of the first character; None where the format has no pages
    end_page: int | None = None  # of the last character
    heading: str = ""  # the headings above it, outermost first, joined by " > "
    locations: tuple[Location, ...] = ()  # those of its text, by start; empty if the file has none
    copies: tuple[str, ...] = ()  # names of other files with the same bytes as the document's

    def __post_init__(self) -> None:
        _check_range(self.start, self.end)
        if self.end - self.start != len(self.text):
            raise ValueError(
                f"passage {self.id!r} spans {self.end - self.start} characters "
                f"and holds {len(self.text)}"
            )

    @property
    def span(self) -> SourceSpan:
        """Where the passage lies in its document."""
        return SourceSpan(source_id=self.document_id, start=self.start, end=self.end)

    @property
    def location(self) -> str:
        """Where the passage stands in its file: "page 3", "slides 2-3"; empty if not known."""
        return location_between(self.locations, self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    id: str
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A stretch of the answer that stands verbatim in a source.

    `answer[start:end] == source[source_start:source_end]`, compared before it is made. `copied`
    says that the decoder copied it from there; `matched`, that it was generated token by token and
    found afterwards. Neither says that the statement is true.
    """

    start: int
    end: int
    source_id: str  # document id, or turn id
    source_start: int
    source_end: int
    document: str  # name or path as the user knows it; for a turn, who said it
    page: int | None = None
    location: str = ""  # where in the file, such as "page 3" or "lines 4-9"; empty: not known
    kind: SourceKind = "document"
    origin: Origin = "copied"
    others: tuple[SourceSpan, ...] = ()  # other places that hold the same text

    def __post_init__(self) -> None:
        _check_range(self.start, self.end)
        _check_range(self.source_start, self.source_end)
        if self.end - self.start != self.source_end - self.source_start:
            raise ValueError(
                f"citation of {self.end - self.start} characters "
                f"points to {self.source_end - self.source_start}"
            )

    @property
    def source(self) -> SourceSpan:
        """The cited range of the source."""
        return SourceSpan(source_id=self.source_id, start=self.source_start, end=self.source_end)
