"""What passes between Quoth and the process that reads files: frames of counted parts, no pickle.

The reading process may be in the hands of the file it read, so whatever comes from it is checked:
sizes before they are read, types and offsets before they are used.
"""

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import IO, Any, TypeVar, cast

import numpy as np

from quoth.retrieval.boxes import WordBoxes
from quoth.retrieval.documents import MEBIBYTE, Heading, LoadedDocument, LoadLimits
from quoth.types import Location

MEMORY_STATUS = 77  # the exit status of a reading process that had no memory left
MAX_STRUCTURE = 32 * MEBIBYTE  # bytes of JSON: headings, pages and locations
_MAX_REQUEST = 1 * MEBIBYTE
_MAX_TITLE = 20_000
_BOX_COLUMNS = 7
_BOX_BYTES = 4 * _BOX_COLUMNS
_Row = TypeVar("_Row")
_LENGTH = struct.Struct(">Q")


class WireError(ValueError):
    """What came is no frame, or says what cannot be true."""


def write_frame(stream: IO[bytes], parts: Sequence[bytes]) -> None:
    """Each part after its length."""
    for part in parts:
        stream.write(_LENGTH.pack(len(part)))
        stream.write(part)
    stream.flush()


def read_frame(stream: IO[bytes], sizes: Sequence[int]) -> list[bytes]:
    """As many parts as there are `sizes`, none larger than its size.

    Raises:
        EOFError: The stream ends before.
        WireError: A part is larger.
    """
    parts = []
    for largest in sizes:
        (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
        if length > largest:
            raise WireError(f"a part of {length:,} bytes, and {largest:,} are allowed")
        parts.append(_exactly(stream, length))
    return parts


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


def request_parts(name: str, content: bytes, limits: LoadLimits) -> list[bytes]:
    """A file to read."""
    return [json.dumps({"name": name, "limits": asdict(limits)}).encode(), content]


def read_request(stream: IO[bytes]) -> tuple[str, bytes, LoadLimits]:
    """What `request_parts` made. Raises what `read_frame` raises."""
    head, content = read_frame(stream, (_MAX_REQUEST, 1 << 62))
    told = json.loads(head)
    return told["name"], content, LoadLimits(**told["limits"])


def answer_parts(kind: str, message: str = "") -> list[bytes]:
    """An answer without a document: why there is none."""
    return [json.dumps({"kind": kind, "message": message}).encode(), b"", b""]


def document_parts(document: LoadedDocument) -> list[bytes]:
    """A document: its structure as JSON, its text in UTF-8, its boxes as int32, little endian."""
    structure = {
        "kind": "document",
        "format": document.format,
        "title": document.title,
        "headings": [[each.start, each.end, each.level, each.title] for each in document.headings],
        "kept_whole": document.kept_whole,
        "page_starts": document.page_starts,
        "locations": [[each.start, each.label] for each in document.locations],
        "has_boxes": document.boxes is not None,
    }
    boxes = document.boxes.rows.astype("<i4").tobytes() if document.boxes else b""
    return [json.dumps(structure).encode(), document.text.encode(), boxes]


def answer_sizes(limits: LoadLimits) -> tuple[int, int, int]:
    """How large the parts of an answer may be."""
    return MAX_STRUCTURE, 4 * limits.max_chars, _BOX_BYTES * limits.max_chars


def kind_of(parts: Sequence[bytes]) -> tuple[str, str]:
    """What kind of answer it is, and its message.

    Raises:
        WireError: It is none.
    """
    told = _structure(parts[0])
    kind, message = told.get("kind"), told.get("message", "")
    if not isinstance(kind, str) or not isinstance(message, str):
        raise WireError("an answer without a kind")
    return kind, message


def document_from(parts: Sequence[bytes], limits: LoadLimits) -> LoadedDocument:
    """What `document_parts` made, checked.

    Raises:
        WireError: Something in it cannot be true.
    """
    told = _structure(parts[0])
    try:
        text = parts[1].decode()
    except UnicodeDecodeError as error:
        raise WireError(f"the text is no UTF-8: {error}") from error
    if len(text) > limits.max_chars:
        raise WireError(f"{len(text):,} characters, and {limits.max_chars:,} are allowed")
    page_starts = _offsets(told.get("page_starts"), len(text))
    if len(page_starts) > limits.max_pages:
        raise WireError(f"{len(page_starts):,} pages, and {limits.max_pages:,} are allowed")
    has_boxes = told.get("has_boxes") is True
    return LoadedDocument(
        text=text,
        format=_string(told.get("format"), "a format", 64),
        title=_string(told.get("title"), "a title", _MAX_TITLE),
        headings=_rows(told.get("headings"), len(text), _heading),
        kept_whole=_disjoint(_rows(told.get("kept_whole"), len(text), _range)),
        page_starts=page_starts,
        locations=_rows(told.get("locations"), len(text), _location),
        boxes=_boxes(parts[2], len(text), len(page_starts)) if has_boxes else None,
    )


def _structure(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WireError(f"the structure is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise WireError("the structure is no object")
    return told


def _string(value: object, what: str, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise WireError(f"{what} that is no text of {longest} characters at most")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise WireError(f"{what} with half a character") from error
    return value


def _offset(value: object, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise WireError(f"an offset that is not in {lowest}..{highest}")
    return value


def _offsets(values: object, highest: int) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise WireError("offsets that are no list")
    found: list[int] = []
    for value in values:
        found.append(_offset(value, found[-1] if found else 0, highest))
    return tuple(found)


def _rows(rows: object, highest: int, make: Callable[[list[Any], int], _Row]) -> tuple[_Row, ...]:
    """Rows that begin with ascending offsets."""
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise WireError("rows that are no lists")
    _offsets([row[0] for row in rows], highest)
    return tuple(make(row, highest) for row in rows)


def _heading(row: list[Any], highest: int) -> Heading:
    if len(row) != 4:
        raise WireError("a heading that is none")
    start, end, level, title = row
    return Heading(
        start=start,
        end=_offset(end, start, highest),
        level=_offset(level, 1, 1_000),
        title=_string(title, "a title", _MAX_TITLE),
    )


def _location(row: list[Any], highest: int) -> Location:  # noqa: ARG001 - makes a row
    if len(row) != 2:
        raise WireError("a location that is none")
    return Location(start=row[0], label=_string(row[1], "a label", _MAX_TITLE))


def _range(row: list[Any], highest: int) -> tuple[int, int]:
    if len(row) != 2:
        raise WireError("a range that is none")
    return row[0], _offset(row[1], row[0], highest)


def _disjoint(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    if any(before[1] > after[0] for before, after in pairwise(ranges)):
        raise WireError("ranges that overlap")
    return ranges


def _boxes(content: bytes, num_chars: int, num_pages: int) -> WordBoxes:
    if len(content) % _BOX_BYTES:
        raise WireError("boxes that are cut off")
    rows = np.frombuffer(content, dtype="<i4").reshape(-1, _BOX_COLUMNS)
    starts, ends, pages = rows[:, 0], rows[:, 1], rows[:, 2]
    in_text = (starts >= 0) & (starts <= ends) & (ends <= num_chars)
    on_page = (pages >= 1) & (pages <= num_pages)
    if not (in_text & on_page).all() or (np.diff(starts) < 0).any():
        raise WireError("boxes that lie outside of the text or its pages")
    return WordBoxes(rows=cast("Any", rows.astype(np.int32)))
