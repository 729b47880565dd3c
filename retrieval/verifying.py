"""Every invariant of an index, checked one by one."""

from collections.abc import Iterator

import numpy as np

from quoth.errors import IndexFormatError
from quoth.retrieval.boxes import unpacked
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.lexical_repair import lexical_problems
from quoth.retrieval.pages import page_at
from quoth.retrieval.preparing import text_digest
from quoth.retrieval.records import DocumentRecord, PassageRecord
from quoth.retrieval.reports import VerifyReport
from quoth.retrieval.vector_store import VectorStore

_NORM_ERROR = 1e-3


def verify(store: DocStore, vectors: VectorStore, dim: int) -> VerifyReport:
    """Check `store` in itself, then the vectors against it."""
    try:
        problems = store.database.integrity_problems()
        records = store.documents.all()
        for record in records:
            problems += [f"{record.name}: {what}" for what in document_problems(store, record, dim)]
        problems.extend(store.files.problems())
        problems.extend(lexical_problems(store))
        problems.extend(vectors.problems())
        passages = sum(store.passages.counts().values())
    except IndexFormatError as error:
        return VerifyReport(problems=(str(error),))
    return VerifyReport(problems=tuple(problems), num_documents=len(records), num_passages=passages)


def document_problems(store: DocStore, record: DocumentRecord, dim: int) -> list[str]:
    """What is wrong with one document."""
    try:
        return list(_document(store, record, dim))
    except IndexFormatError as error:
        return [str(error)]


def _document(store: DocStore, record: DocumentRecord, dim: int) -> Iterator[str]:
    text = store.documents.text(record.id)
    if text is None:
        yield "its text is missing"
        return
    if text_digest(text) != record.text_sha256 or len(text) != record.num_chars:
        yield "its text is not the one that was indexed"
        return
    if list(record.page_starts) != sorted(record.page_starts):
        yield "its pages are out of order"
    passages = store.passages.of(record.id)
    covered = bytearray(len(text))
    for passage in passages:
        yield from _passage(passage, record, text, dim)
        covered[passage.start : passage.end] = b"\1" * (passage.end - passage.start)
    if any(not done and not letter.isspace() for done, letter in zip(covered, text, strict=False)):
        yield "some of its text is in no passage"
    if any(not 0 <= each.start <= len(text) for each in store.documents.locations(record.id)):
        yield "its locations lie outside its text"
    yield from _boxes(store.documents.boxes(record.id), len(text))


def _passage(passage: PassageRecord, record: DocumentRecord, text: str, dim: int) -> Iterator[str]:
    where = f"passage {passage.id}"
    if not 0 <= passage.start < passage.end <= len(text):
        yield f"{where} lies outside the text"
        return
    piece = text[passage.start : passage.end]
    if piece != piece.strip():
        yield f"{where} begins or ends with white space"
    pages = page_at(record.page_starts, passage.start), page_at(record.page_starts, passage.end - 1)
    if pages != (passage.page, passage.end_page):
        yield f"{where} is on pages {pages}, not {(passage.page, passage.end_page)}"
    if len(passage.vector) != 4 * dim:
        yield f"{where} has a vector of {len(passage.vector)} bytes instead of {4 * dim}"
        return
    norm = float(np.linalg.norm(np.frombuffer(passage.vector, dtype="<f4")))
    if not abs(norm - 1) < _NORM_ERROR:
        yield f"{where} has a vector of length {norm:.4f}"


def _boxes(packed: bytes | None, num_chars: int) -> Iterator[str]:
    if packed is None:
        return
    try:
        rows = unpacked(packed).rows
    except ValueError as error:
        yield str(error)
        return
    if len(rows) and (rows[:, 0].min() < 0 or rows[:, 1].max() > num_chars):
        yield "word boxes lie outside the text"
