"""Where in its file a stretch of text stands: pages, lines, and what loaders say."""

import json
import zlib
from collections.abc import Sequence
from itertools import pairwise

from quoth.types import Location, locations_in

_WITH_LINES = frozenset({"code", "text"})  # formats whose text has the lines of the file


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
        return locations_in(told, start, end)
    if page_starts:
        pages = [Location(start=at, label=f"page {n}") for n, at in enumerate(page_starts, 1)]
        return locations_in(pages, start, end)
    if format in _WITH_LINES:
        return _lines(text, start, end)
    return ()


def under_heading(heading: str, start: int) -> tuple[Location, ...]:
    """Where text from `start` on stands if nothing but its headings tells; none without one."""
    return (Location(start=start, label=heading),) if heading else ()


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


def _lines(text: str, start: int, end: int) -> tuple[Location, ...]:
    number = text.count("\n", 0, start) + 1
    found = [Location(start=start, label=f"line {number}")]
    at = text.find("\n", start, end)
    while at >= 0 and at + 1 < end:
        number += 1
        found.append(Location(start=at + 1, label=f"line {number}"))
        at = text.find("\n", at + 1, end)
    return tuple(found)
