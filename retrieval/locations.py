"""Where in its file a stretch of text stands: pages, lines, and what loaders say."""

import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from quoth.types import Location

_WITH_LINES = frozenset({"code", "text"})  # formats whose text has the lines of the file
_COUNTED = re.compile(r"(.+ )(\d+)")
_CELL = re.compile(r"(.+!)(\w+)")


def locations_within(
    *,
    text: str,
    format: str,
    page_starts: Sequence[int],
    told: Sequence[Location],
    start: int,
    end: int,
) -> tuple[Location, ...]:
    """The locations of `text[start:end]`, the first one moved to `start`.

    What the loader told comes before pages, and pages before lines.
    """
    if told:
        return _cut(told, start, end)
    if page_starts:
        pages = [Location(start=at, label=f"page {n}") for n, at in enumerate(page_starts, 1)]
        return _cut(pages, start, end)
    if format in _WITH_LINES:
        return _lines(text, start, end)
    return ()


def location_between(locations: Sequence[Location], start: int, end: int) -> str:
    """What `[start, end)` is called: "slide 3", "lines 4-9", "Budget!A2:B4"; empty: not known."""
    inside = _cut(locations, start, end)
    return _joined(inside[0].label, inside[-1].label) if inside else ""


def packed(locations: Sequence[Location]) -> bytes | None:
    """As the database keeps them; None for none."""
    if not locations:
        return None
    rows = [[each.start, each.label] for each in locations]
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode(), 6)


def unpacked(content: bytes | None) -> tuple[Location, ...]:
    """What `packed` made.

    Raises:
        ValueError: It is not.
    """
    if content is None:
        return ()
    try:
        rows = json.loads(zlib.decompress(content))
        found = tuple(Location(start=int(start), label=str(label)) for start, label in rows)
    except (zlib.error, TypeError, ValueError) as error:
        raise ValueError(f"locations cannot be read: {error}") from error
    if any(before.start > after.start for before, after in pairwise(found)):
        raise ValueError("locations are out of order")
    return found


def _cut(locations: Sequence[Location], start: int, end: int) -> tuple[Location, ...]:
    first = bisect_right(locations, start, key=_start) - 1
    last = bisect_right(locations, max(start, end - 1), key=_start)
    inside = locations[max(0, first) : last]
    return tuple(replace(each, start=max(start, each.start)) for each in inside)


def _start(location: Location) -> int:
    return location.start


def _lines(text: str, start: int, end: int) -> tuple[Location, ...]:
    number = text.count("\n", 0, start) + 1
    found = [Location(start=start, label=f"line {number}")]
    at = text.find("\n", start, end)
    while at >= 0 and at + 1 < end:
        number += 1
        found.append(Location(start=at + 1, label=f"line {number}"))
        at = text.find("\n", at + 1, end)
    return tuple(found)


def _joined(first: str, last: str) -> str:
    if first == last:
        return first
    for pattern, form in ((_COUNTED, "{0} {1}-{2}"), (_CELL, "{0}!{1}:{2}")):
        begin, end = pattern.fullmatch(first), pattern.fullmatch(last)
        if begin and end and begin[1] == end[1]:
            what = begin[1][:-1] + ("s" if pattern is _COUNTED else "")
            return form.format(what, begin[2], end[2])
    return f"{first} - {last}"
