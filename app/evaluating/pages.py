"""Questions whose answer stands on known pages: is one of these among the first passages?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from quoth.app.evaluating.judged import json_lines, text_field
from quoth.errors import InputError
from quoth.retrieval import DocumentStatus, Progress
from quoth.types import Passage

CUTS = (5, 10)  # passages looked at

# Question, number of passages, and the id of the only document to search, or None for all.
PageSearch = Callable[[str, int, str | None], Sequence[Passage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuestion:
    """A question, and the pages (from 1) of a document of which any one answers it."""

    question: str
    document: str  # as the file names it
    pages: tuple[int, ...]
    place: str = ""  # in the file, for messages


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """Ranks of the first passage that lies on a wanted page; None beyond the last of `CUTS`."""

    question: PageQuestion
    document_id: str
    rank: int | None
    rank_filtered: int | None  # with only the right document searched
    document_rank: int | None  # of the first passage of the right document


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesReport:
    """Shares of the questions: `page@5`, `page@10`, and both with `filtered_` before them."""

    values: Mapping[str, float]
    questions: tuple[PageResult, ...]


def read_questions(path: Path) -> list[PageQuestion]:
    """Read lines of `{"question": ..., "document": ..., "page": n}`, or `"pages": [n, ...]`.

    Raises:
        InputError: A line is wrong; the message names it.
    """
    found = []
    for place, row in json_lines(path):
        question = text_field(row, "question", place)
        if not question.strip():
            raise InputError(f"{place}: the question is empty.")
        found.append(
            PageQuestion(
                question=question,
                document=text_field(row, "document", place),
                pages=_pages(row, place),
                place=place,
            )
        )
    if not found:
        raise InputError(f"{path} holds no questions.")
    return found


def _pages(row: dict[str, Any], place: str) -> tuple[int, ...]:
    given = row["pages"] if "pages" in row else [row.get("page")]
    pages = given if isinstance(given, list) else [given]
    if not pages or not all(type(page) is int and page >= 1 for page in pages):
        raise InputError(f"{place}: 'page' is {given!r}; expected a page number from 1 on.")
    return tuple(pages)


def document_ids(
    questions: Sequence[PageQuestion], documents: Sequence[DocumentStatus]
) -> dict[str, str]:
    """The ids of the documents that the questions name: by id, name, or the last part of it.

    Raises:
        InputError: The index holds none of that name, or several, or one without pages.
    """
    ids: dict[str, str] = {}
    for question in questions:
        if question.document not in ids:
            ids[question.document] = _document_id(question, documents)
    return ids


def _document_id(question: PageQuestion, documents: Sequence[DocumentStatus]) -> str:
    found = document_named(question.document, documents, question.place)
    if not found.num_pages:
        raise InputError(
            f"{question.place}: {question.document!r} has no pages, so none of them can be found. "
            "Leave the question out, or ask of a PDF."
        )
    return found.document_id


def document_named(wanted: str, documents: Sequence[DocumentStatus], place: str) -> DocumentStatus:
    """The one document with this id, name, or last part of a name.

    Raises:
        InputError: There is none, or several; `place` says where it was asked for.
    """
    exact = [d for d in documents if wanted in {d.document_id, d.document}]
    fitting = exact or [d for d in documents if PurePosixPath(d.document).name == wanted]
    if len(fitting) != 1:
        many = f"{len(fitting)} documents" if fitting else "no document"
        raise InputError(f"{place}: the index holds {many} called {wanted!r}.")
    return fitting[0]


def is_called(passage: Passage, wanted: str) -> bool:
    """Whether a passage is of the document with this id, name, or last part of a name."""
    names = (passage.document_id, passage.document, PurePosixPath(passage.document).name)
    return wanted in names


def evaluate_pages(
    search: PageSearch,
    questions: Sequence[PageQuestion],
    ids: Mapping[str, str],
    progress: Progress | None = None,
) -> PagesReport:
    """Ask each question twice: of all documents, and of the right one."""
    results = []
    for number, question in enumerate(questions, start=1):
        document_id = ids[question.document]
        everywhere = search(question.question, max(CUTS), None)
        there = search(question.question, max(CUTS), document_id)
        results.append(
            PageResult(
                question=question,
                document_id=document_id,
                rank=page_rank(everywhere, document_id, question.pages),
                rank_filtered=page_rank(there, document_id, question.pages),
                document_rank=_rank([p.document_id == document_id for p in everywhere]),
            )
        )
        if progress:
            progress(number, len(questions), "searching")
    return PagesReport(values=_shares(results), questions=tuple(results))


def page_rank(passages: Sequence[Passage], document_id: str, pages: Sequence[int]) -> int | None:
    """The rank, from 1, of the first passage that touches one of `pages` of the document."""
    return _rank(
        [passage.document_id == document_id and touches(passage, pages) for passage in passages]
    )


def touches(passage: Passage, pages: Sequence[int]) -> bool:
    """Whether a passage lies, if only in part, on one of the pages of its document."""
    if passage.page is None:
        return False
    last = passage.end_page or passage.page
    return any(passage.page <= page <= last for page in pages)


def _rank(claims: Sequence[bool]) -> int | None:
    return claims.index(True) + 1 if True in claims else None


def _shares(results: Sequence[PageResult]) -> dict[str, float]:
    columns = {
        "page": [result.rank for result in results],
        "filtered_page": [result.rank_filtered for result in results],
    }
    return {
        f"{name}@{cut}": sum(rank is not None and rank <= cut for rank in ranks) / len(ranks)
        for name, ranks in columns.items()
        for cut in CUTS
    }
