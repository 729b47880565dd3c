"""Which documents a search may find anything in, and how the database says so."""

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
    for given, condition, each in (
        (filters.documents, _DOCUMENT, lambda value: [value, value, f"/{value}", f"/{value}"]),
        (filters.folders, _FOLDER, lambda value: [_folder(value)] * 4),
        (filters.formats, _FORMAT, lambda value: [value.lower(), *[f".{_suffix(value)}"] * 2]),
        (filters.tags, _TAG, lambda value: [value]),
    ):
        if given:
            conditions.append("(" + " OR ".join([condition] * len(given)) + ")")
            values.extend(part for value in given for part in each(value))
    for time, condition in (
        (filters.modified_from, "d.modified >= ?"),
        (filters.modified_before, "d.modified < ?"),
    ):
        if time:
            conditions.append(condition)
            values.append(_seconds(time))
    where = " AND ".join(conditions) or "1"
    query = (
        f"SELECT p.id FROM passages p JOIN documents d ON d.id = p.document_id WHERE {where} "
        f"ORDER BY p.id"
    )
    return query, values


_FILE = "EXISTS (SELECT 1 FROM files f WHERE f.document_id = d.id AND ({}))"
_DOCUMENT = "d.id = ? OR " + _FILE.format("f.name = ? OR substr(f.name, -length(?)) = ?")
_FOLDER = _FILE.format(
    "substr(f.name, 1, length(?)) = ? OR substr(replace(f.path, '\\', '/'), 1, length(?)) = ?"
)
_FORMAT = "d.format = ? OR " + _FILE.format("substr(lower(f.name), -length(?)) = ?")
_TAG = "EXISTS (SELECT 1 FROM document_tags t WHERE t.document_id = d.id AND t.tag = ?)"


def _folder(value: str) -> str:
    return value.replace("\\", "/").removeprefix("./").rstrip("/") + "/"


def _suffix(value: str) -> str:
    return value.lower().removeprefix(".")


def _seconds(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
