"""Reads what can be read of a damaged database, document by document, into a new one."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from quoth.errors import IndexFormatError
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.records import DocumentRecord, FileRecord, TextRecord
from quoth.retrieval.verifying import document_problems


def salvage(folder: Path, target: Path, dim: int) -> tuple[int, list[str]]:
    """Copy the whole documents of the index in `folder` to a new database in `target`.

    Returns:
        How many there were, and the names of those that could be found but not read.
    """
    saved, lost = 0, []
    source = DocStore(folder, as_it_is=True)
    copy = DocStore(target, create=True)
    try:
        files = _files(source)
        for document_id in _document_ids(source):
            try:
                _copy(source, copy, document_id, dim, files[document_id])
                saved += 1
            except IndexFormatError:
                lost.append(_name(source, document_id))
        copy.database.fold_log()
    finally:
        source.close()
        copy.close()
    return saved, lost


def _copy(
    source: DocStore, copy: DocStore, document_id: str, dim: int, files: list[FileRecord]
) -> None:
    """Copy one document.

    Raises:
        IndexFormatError: It cannot be read, or is not as it was indexed.
    """
    record = source.documents.get(document_id)
    if record is None:
        raise IndexFormatError(f"the document {document_id!r} is not found by its id")
    problems = document_problems(source, record, dim)
    if problems:
        raise IndexFormatError(problems[0])
    content = TextRecord(
        text=source.documents.text(document_id) or "",
        locations=source.documents.locations(document_id),
        boxes=source.documents.boxes(document_id),
    )
    copy.replace(record, content, source.passages.of(document_id), _own(record, files))
    copy.tag(document_id, _tags(source, document_id))
    copy.place([file for file in files if file.path != record.path])


def _tags(source: DocStore, document_id: str) -> list[str]:
    query = "SELECT tag FROM document_tags WHERE document_id = ?"
    return [tag for (tag,) in source.database.rows(query, (document_id,))]


def _own(record: DocumentRecord, files: list[FileRecord]) -> FileRecord | None:
    own = next((file for file in files if file.path == record.path), None)
    return replace(own, name=record.name) if own else None


def _document_ids(source: DocStore) -> Iterator[str]:
    """The ids of all documents that can be reached from either end of the table."""
    seen = set()
    for order, beyond in (("", ">"), (" DESC", "<")):
        for _, document_id in _rows(source, "documents", "id", order, beyond):
            if document_id not in seen:
                seen.add(document_id)
                yield document_id


def _rows(
    source: DocStore, table: str, column: str, order: str, beyond: str
) -> Iterator[tuple[int, str]]:
    """Rows one by one, up to the first that cannot be read, or leads back."""
    query = f"SELECT rowid, {column} FROM {table} ORDER BY rowid{order} LIMIT 1"
    onward = query.replace(" ORDER", f" WHERE rowid {beyond} ? ORDER")
    try:
        rows, passed = source.database.rows(query), set()
        while rows and rows[0][0] not in passed:
            yield rows[0]
            passed.add(rows[0][0])
            rows = source.database.rows(onward, rows[0][:1])
    except IndexFormatError:
        return


def _files(source: DocStore) -> dict[str, list[FileRecord]]:
    """The files by document, as far as they can be read: a sync finds the others again."""
    files: dict[str, list[FileRecord]] = defaultdict(list)
    try:
        for file in source.files.all():
            files[file.document_id or ""].append(file)
    except IndexFormatError:
        files.clear()
    return files


def _name(source: DocStore, document_id: str) -> str:
    try:
        record = source.documents.get(document_id)
    except IndexFormatError:
        record = None
    return record.name if record else document_id
