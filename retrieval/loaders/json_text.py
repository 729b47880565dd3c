"""JSON and JSON lines as text that people read: a line for each value, led by its path.

The records of a list, or the lines of JSON lines, are kept whole. Numbers stay as they are written.
What is no JSON, or nests too deep for the parser, stays as it is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.assembly import Assembly
from quoth.retrieval.loaders.code import code_document
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.decode import decode_text

_TITLE_KEYS = ("title", "name", "heading", "subject", "question", "id", "_id", "key")
_MAX_TITLE = 120
_MAX_PATH = 200  # characters; of longer ones the end is shown, or paths would outgrow the file
_LEVEL = 2  # records are no chapters: small neighbours may share a passage


@dataclass(frozen=True, slots=True)
class _Pairs:
    """An object; keys may come twice."""

    items: list[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class _Invalid:
    """A line that is no JSON."""

    text: str


def load_json(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load JSON; of a list of objects, each object is a record."""
    raw = decode_text(content)
    try:
        value = _parsed(raw)
    except (ValueError, RecursionError):
        records = _lines(raw)
        if len(records) < 2 or any(isinstance(each, _Invalid) for each in records):
            return code_document(canonical_text(raw))
        return _of_records(records, limits, "jsonl")
    if isinstance(value, list) and any(isinstance(each, _Pairs) for each in value):
        return _of_records(value, limits, "json")
    return _of_value(value, limits)


def load_jsonl(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load JSON lines; a line that is no JSON is a record as it stands."""
    raw = decode_text(content)
    records = _lines(raw)
    num_invalid = sum(isinstance(each, _Invalid) for each in records)
    if 2 * num_invalid >= len(records):
        return load_json(content, limits)
    return _of_records(records, limits, "jsonl")


def _parsed(raw: str) -> object:
    """Raises ValueError or RecursionError."""
    return json.loads(
        raw, object_pairs_hook=_Pairs, parse_float=str, parse_int=str, parse_constant=str
    )


def _lines(raw: str) -> list[object]:
    return [_line(line) for line in raw.split("\n") if line.strip()]


def _line(line: str) -> object:
    try:
        return _parsed(line)
    except (ValueError, RecursionError):
        return _Invalid(line)


def _of_records(records: Sequence[object], limits: LoadLimits, form: str) -> LoadedDocument:
    assembly = Assembly(limits)
    titles = [_title(record) for record in records]
    has_titles = any(titles)
    for number, (record, title) in enumerate(zip(records, titles, strict=True), 1):
        parts = [record.text] if isinstance(record, _Invalid) else _leaves(record, "")
        start, end = _append_lines(assembly, parts)
        if start == end:
            continue
        if has_titles:
            assembly.head(start, end, level=_LEVEL, title=title)
        assembly.keep_whole(start, end)
        assembly.locate(start, f"record {number}")
    return assembly.document(format=form)


def _of_value(value: object, limits: LoadLimits) -> LoadedDocument:
    """One object: its keys that hold more than a value are headings."""
    assembly = Assembly(limits)
    if not isinstance(value, _Pairs):
        _append_lines(assembly, _leaves(value, ""))
        return assembly.document(format="json")
    has_section = False
    for key, part in value.items:
        is_section = bool(isinstance(part, _Pairs) and part.items) or _holds_containers(part)
        gap = 2 if is_section or has_section else 1
        start, end = _append_lines(assembly, _leaves(part, _key(key)), gap)
        if is_section or has_section:
            title = _key(key)[:_MAX_TITLE] if is_section else ""
            assembly.head(start, end, level=_LEVEL, title=title)
        has_section = is_section
    return assembly.document(format="json", title=_title(value))


def _append_lines(assembly: Assembly, lines: Iterable[str], gap: int = 2) -> tuple[int, int]:
    first = None
    end = assembly.length
    for line in lines:
        start, end = assembly.append(line, gap=gap if first is None else 1)
        if first is None and end > start:
            first = start
    return (end if first is None else first), end


def _leaves(value: object, path: str) -> Iterator[str]:
    """`path: value` for each value in `value`, in order, without recursion."""
    todo: list[tuple[object, str]] = [(value, path)]
    while todo:
        node, place = todo.pop()
        if isinstance(node, _Pairs) and node.items:
            inner = [(part, _joined(place, _key(key))) for key, part in node.items]
            todo.extend(reversed(inner))
        elif _holds_containers(node):
            inner = [(part, _joined(place, f"[{at}]")) for at, part in enumerate(node)]
            todo.extend(reversed(inner))
        else:
            yield _leaf(node, place)


def _leaf(node: object, path: str) -> str:
    values = map(_scalar, node) if isinstance(node, list) and node else [_scalar(node)]
    shown = ", ".join(values)
    if not path:
        return shown
    return f"{path}:\n{shown}" if "\n" in shown.strip() else f"{path}: {shown}"


def _scalar(node: object) -> str:
    match node:
        case str():
            return node
        case True | False:
            return str(node).lower()
        case None:
            return "null"
        case _:
            return "{}" if isinstance(node, _Pairs) else "[]"


def _holds_containers(node: object) -> TypeGuard[list[object]]:
    return isinstance(node, list) and any(isinstance(part, _Pairs | list) for part in node)


def _key(key: str) -> str:
    return one_line(key)[-_MAX_PATH:].strip() or '""'


def _joined(path: str, step: str) -> str:
    joined = path + step if step.startswith("[") or not path else f"{path}.{step}"
    return joined if len(joined) <= _MAX_PATH else f"…{joined[-_MAX_PATH:].strip()}"


def _title(record: object) -> str:
    """What a record calls itself."""
    if not isinstance(record, _Pairs):
        return ""
    named = {key.lower(): part for key, part in record.items if isinstance(part, str)}
    found = (one_line(named[key]) for key in _TITLE_KEYS if key in named)
    return next((title[:_MAX_TITLE].rstrip() for title in found if title), "")
