"""Which documents a search may find anything in, and how the database says so."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quoth.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Only passages of documents that pass all of these; an empty one lets everything pass.

    Of several values of one kind, a document needs one; where it lies in several files, one of them
    is enough. Times without a zone are UTC.

    Raises:
        ConfigError: One is a single text instead of several, or no text at all.
    """

    documents: tuple[str, ...] = ()  # ids, names, or names below some folder
    folders: tuple[str, ...] = ()  # how names or paths begin, up to a "/"
    formats: tuple[str, ...] = ()  # "pdf", "markdown", as `quoth index status` says; or a suffix
    tags: tuple[str, ...] = ()  # as given to `Index.tag`
    modified_from: datetime | None = None  # of the file, as read; one without a time does not pass
    modified_before: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("documents", "folders", "formats", "tags"):
            values = getattr(self, name)
            if isinstance(values, str) or not all(isinstance(value, str) for value in values):
                raise ConfigError(f"The filter {name} is {values!r}; it must be several texts.")
            object.__setattr__(self, name, tuple(values))

    def __bool__(self) -> bool:
        """Whether anything can fail to pass."""
        return bool(
            self.documents or self.folders or self.formats or self.tags
            or self.modified_from or self.modified_before
        )  # fmt: skip


def passage_ids(filters: Filters) -> tuple[str, list[Any]]:
    """The query for the ids of the passages that pass, ascending, and its values."""
    conditions: list[str] = []
    values: list[Any] = []
    formats = [value.lower() for value in filters.formats]
    for condition, *lists in (
        (_DOCUMENT, filters.documents, filters.documents),
        (_FOLDER, [_folder(value) for value in filters.folders]),
        (_FORMAT, formats, [f".{value.removeprefix('.')}" for value in formats]),
        (_TAG, filters.tags),
    ):
        if lists[0]:
            conditions.append(f"({condition})")
            values.extend(json.dumps(each, ensure_ascii=False) for each in lists)
    for time, condition in (
        (filters.modified_from, "d.modified >= ?"),
        (filters.modified_before, "d.modified < ?"),
    ):
        if time:
            conditions.append(condition)
            values.append(_seconds(time))
    where = " AND ".join(conditions) or "1"
    query = (
        f"SELECT p.id FROM passages p WHERE p.document_id IN "
        f"(SELECT d.id FROM documents d WHERE {where}) ORDER BY p.id"
    )
    return query, values


# Lists of values come as JSON: SQLite refuses long chains of OR.
_FILE = "EXISTS (SELECT 1 FROM files f, json_each(?) v WHERE f.document_id = d.id AND ({}))"
_IN = "IN (SELECT value FROM json_each(?))"
_DOCUMENT = f"d.id {_IN} OR " + _FILE.format(
    "f.name = v.value OR substr(f.name, -length('/' || v.value)) = '/' || v.value"
)
_FOLDER = _FILE.format(
    "substr(f.name, 1, length(v.value)) = v.value "
    "OR substr(replace(f.path, '\\', '/'), 1, length(v.value)) = v.value"
)
_FORMAT = f"d.format {_IN} OR " + _FILE.format("substr(lower(f.name), -length(v.value)) = v.value")
_TAG = f"EXISTS (SELECT 1 FROM document_tags t WHERE t.document_id = d.id AND t.tag {_IN})"


def _folder(value: str) -> str:
    return value.replace("\\", "/").removeprefix("./").rstrip("/") + "/"


def _seconds(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
