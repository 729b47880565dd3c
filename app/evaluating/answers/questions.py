"""Files of questions whose answers are known, one JSON object a line.

Everything wrong with one is an `InputError` that names the file and the line.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from quoth.app.evaluating.judged import json_lines, text_field
from quoth.app.evaluating.pages import document_named
from quoth.errors import InputError
from quoth.retrieval import DocumentStatus

ALL = "all"  # what all domains together are called
Kind = Literal["answerable", "unanswerable", "from_history"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuestion:
    """A question, and what is known of its answer.

    `answers` are strings of which any one must stand in the passage, and in the answer. Without
    any, the passages of `pages` answer, and which words do is not known.
    """

    id: str
    domain: str
    question: str
    kind: Kind
    answers: tuple[str, ...] = ()
    document: str = ""  # as the file names it; empty: any
    pages: tuple[int, ...] = ()  # from 1; empty: any
    history: tuple[tuple[str, str], ...] = ()  # earlier questions with their answers
    place: str = ""  # in the file, for messages


def read_answer_questions(paths: Sequence[Path]) -> list[AnswerQuestion]:
    """Read the questions of all files.

    A line has `question` and `answers`, a list that is empty where the documents hold no answer;
    it may have `id`, `domain` (by default the file's name), `document`, `pages`, `history` (a list
    of `{"question", "answer"}`) and `from_history` (true: an earlier answer holds the answer).
    Lines with `document` and `pages` may lack `answers`: the page is known, the words are not.

    Raises:
        InputError: A line is wrong, or an id is there twice.
    """
    found: dict[str, AnswerQuestion] = {}
    for path in paths:
        for place, row in json_lines(path):
            number = place.rpartition(":")[2]
            one = _question(row, place, domain=path.stem, number=number)
            if one.id in found:
                first = found[one.id].place
                raise InputError(f"{place}: the id {one.id!r} is there already, at {first}.")
            found[one.id] = one
    if not found:
        raise InputError(f"{', '.join(map(str, paths))} holds no questions.")
    return list(found.values())


def limited(questions: Sequence[AnswerQuestion], limit: int | None) -> list[AnswerQuestion]:
    """At most `limit` of each domain: the same ones every time, in the order of the files."""
    if limit is None:
        return list(questions)
    domains: dict[str, list[AnswerQuestion]] = {}
    for one in questions:
        domains.setdefault(one.domain, []).append(one)
    drawn = (sorted(group, key=draw_order)[:limit] for group in domains.values())
    kept = {one.id for group in drawn for one in group}
    return [one for one in questions if one.id in kept]


def draw_order(question: AnswerQuestion) -> bytes:
    """A key that orders questions as if by chance, and alike on every machine."""
    return hashlib.sha256(f"{question.domain}\0{question.id}".encode()).digest()


def check_documents(
    questions: Sequence[AnswerQuestion], documents: Sequence[DocumentStatus]
) -> None:
    """Find out before anything is asked whether the documents that must answer are there.

    Raises:
        InputError: The index holds none of that name, or several, or one without the named pages.
    """
    for one in questions:
        if one.kind == "answerable" and one.document:
            found = document_named(one.document, documents, one.place)
            if one.pages and not found.num_pages:
                raise InputError(f"{one.place}: {one.document!r} has no pages; leave 'pages' out.")


def _question(row: dict[str, Any], place: str, *, domain: str, number: str) -> AnswerQuestion:
    question = text_field(row, "question", place).strip()
    if not question:
        raise InputError(f"{place}: the question is empty.")
    document = text_field(row, "document", place, optional=True)
    pages, history = _pages(row, place), _history(row, place)
    if pages and not document:
        raise InputError(f"{place}: there are 'pages', and no 'document' that they are of.")
    domain = text_field(row, "domain", place, optional=True) or domain
    if domain == ALL:
        raise InputError(f"{place}: the domain {ALL!r} would be taken for all of them together.")
    return AnswerQuestion(
        id=text_field(row, "id", place, optional=True) or f"{domain}:{number}",
        domain=domain,
        question=question,
        kind=_kind(row, place, is_page_known=bool(pages), has_history=bool(history)),
        answers=_answers(row, place) if row.get("answers") is not None else (),
        document=document,
        pages=pages,
        history=history,
        place=place,
    )


def _kind(row: dict[str, Any], place: str, *, is_page_known: bool, has_history: bool) -> Kind:
    answers, from_history = row.get("answers"), row.get("from_history", False)
    if not isinstance(from_history, bool):
        raise InputError(f"{place}: 'from_history' is {from_history!r}; expected true or false.")
    if from_history:
        if not (answers and has_history):
            raise InputError(f"{place}: 'from_history' needs 'answers' and a 'history'.")
        return "from_history"
    if answers is None and not is_page_known:
        raise InputError(
            f"{place}: the field 'answers' is missing; expected a list of texts. An empty one says "
            "that the documents hold no answer."
        )
    return "unanswerable" if answers == [] else "answerable"


def _answers(row: dict[str, Any], place: str) -> tuple[str, ...]:
    given = row["answers"]
    if not isinstance(given, list) or not all(isinstance(x, str) and x.strip() for x in given):
        raise InputError(f"{place}: 'answers' is {given!r}; expected a list of texts, none empty.")
    return tuple(given)


def _pages(row: dict[str, Any], place: str) -> tuple[int, ...]:
    given = row.get("pages")
    pages = [] if given is None else given
    if not isinstance(pages, list) or not all(type(page) is int and page >= 1 for page in pages):
        raise InputError(f"{place}: 'pages' is {given!r}; expected a list of numbers from 1 on.")
    return tuple(pages)


def _history(row: dict[str, Any], place: str) -> tuple[tuple[str, str], ...]:
    given = row.get("history")
    turns = [] if given is None else given
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise InputError(f"{place}: 'history' is {given!r}; expected a list of objects.")
    history = tuple(
        (text_field(turn, "question", place), text_field(turn, "answer", place)) for turn in turns
    )
    if not all(text.strip() for turn in history for text in turn):
        raise InputError(f"{place}: a question or answer of the 'history' is empty.")
    return history
