"""Files of judged questions, in the layout of BEIR (arXiv 2104.08663): corpus, queries, qrels.

Files may be gzipped. Everything wrong with one is an `InputError` that names the file and the line.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quoth.errors import InputError
from quoth.retrieval import TextDocument

_GZIP = b"\x1f\x8b"
_QRELS = "query-id, corpus-id and score, separated by tabs"
Qrels = dict[str, dict[str, float]]  # by query id, the grades of documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The documents of a corpus that have words, and the ids of those that have none."""

    documents: tuple[TextDocument, ...]
    empty: tuple[str, ...]


def read_corpus(path: Path) -> Corpus:
    """Read lines of `{"_id": ..., "title": ..., "text": ...}`; a title is optional."""
    documents: dict[str, TextDocument] = {}
    empty: list[str] = []
    for place, row in json_lines(path):
        key = text_field(row, "_id", place)
        if key in documents or key in empty:
            raise InputError(f"{place}: the document {key!r} is there a second time.")
        title = text_field(row, "title", place, optional=True)
        text = text_field(row, "text", place)
        try:
            documents[key] = TextDocument(id=key, text=text, title=title)
        except InputError:  # no words
            empty.append(key)
    if not documents:
        raise InputError(f"{path} holds no documents.")
    return Corpus(documents=tuple(documents.values()), empty=tuple(empty))


def read_queries(path: Path) -> dict[str, str]:
    """Read lines of `{"_id": ..., "text": ...}`; query texts by id."""
    queries: dict[str, str] = {}
    for place, row in json_lines(path):
        key, text = text_field(row, "_id", place), text_field(row, "text", place)
        if key in queries:
            raise InputError(f"{place}: the query {key!r} is there a second time.")
        if not text.strip():
            raise InputError(f"{place}: the query {key!r} is empty.")
        queries[key] = text
    return queries


def read_qrels(path: Path) -> Qrels:
    """Read judgements: query id, document id and grade, with or without a line of titles."""
    qrels: Qrels = {}
    for number, line in lines(path):
        place = f"{path}:{number}"
        parts = line.rstrip("\r\n").split("\t")
        if len(parts) != 3:
            raise InputError(f"{place}: expected {_QRELS}; got {len(parts)} columns.")
        query, document, grade = (part.strip() for part in parts)
        score = _number(grade)
        if score is None and number == 1:
            continue  # the titles
        if score is None:
            raise InputError(f"{place}: the score {grade!r} is no number.")
        if qrels.setdefault(query, {}).setdefault(document, score) != score:
            raise InputError(f"{place}: {document!r} has two scores for the query {query!r}.")
    return qrels


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a file, one a line, with their places ("file:line")."""
    for number, line in lines(path):
        place = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: this line is no JSON: {error}.") from error
        if not isinstance(row, dict):
            raise InputError(f"{place}: expected an object, got {type(row).__name__}.")
        yield place, row


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers from 1."""
    number = 0
    try:
        with path.open("rb") as probe:
            is_packed = probe.read(2) == _GZIP
        opened = gzip.open if is_packed else open
        with opened(path, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        where = f" after line {number}" if number else ""
        raise InputError(f"{path} cannot be read{where}: {reason}.") from error


def text_field(row: dict[str, Any], name: str, place: str, *, optional: bool = False) -> str:
    """A field as text; numbers are taken as ids, too."""
    value = row.get(name)
    if value is None and optional:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        there = f"is {value!r}" if name in row else "is missing"
        raise InputError(f"{place}: the field {name!r} {there}; expected text.")
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 else None  # neither infinite nor NaN
