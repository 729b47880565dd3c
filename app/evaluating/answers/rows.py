"""One JSON object for each answer, written as they come; a run that was broken off goes on.

A row holds all that is needed to judge the answer and to show it; judging is done anew when it is
read, so that rows of an earlier run are judged by today's rules.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.judging import Given, judge
from quoth.app.evaluating.answers.questions import AnswerQuestion
from quoth.app.evaluating.judged import json_lines
from quoth.errors import InputError
from quoth.types import Citation, Location, Passage, SourceSpan

Key = tuple[int, str]  # number of passages, id of the question
Row = dict[str, Any]
_BEGINNING = b'{"id": '


def key_of(asked: Asked) -> Key:
    """What tells an answer from the others of a run."""
    return asked.k, asked.question.id


def row_of(asked: Asked, conditions: Mapping[str, object]) -> Row:
    """The answer as a row; `conditions` say how it was made."""
    given, verdict, question = asked.given, asked.verdict, asked.question
    return {
        "id": question.id,
        "domain": question.domain,
        "k": asked.k,
        "question": question.question,
        "kind": question.kind,
        "answers": list(question.answers),
        "answer": given.text,
        "verdict": asdict(verdict),
        "tokens": asked.tokens,
        "first_token_s": asked.first_s,
        "seconds": asked.seconds,
        "is_cut_off": given.is_cut_off,
        "passages": [asdict(passage) for passage in given.passages],
        "citations": [asdict(citation) for citation in given.citations],
        "made_with": dict(conditions),
    }


def append_row(path: Path, row: Row) -> None:
    """Add a row at the end.

    Raises:
        InputError: The file cannot be written.
    """
    line = json.dumps(row, ensure_ascii=False) + "\n"
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(line)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def read_rows(
    path: Path, questions: Sequence[AnswerQuestion], conditions: Mapping[str, object]
) -> dict[Key, Asked]:
    """The answers of these questions that the file holds; what was half written is cut off.

    Raises:
        InputError: The file is no such file, or its answers were made otherwise.
    """
    if not path.exists():
        return {}
    _cut_half_line(path)
    known = {question.id: question for question in questions}
    found: dict[Key, Asked] = {}
    for place, row in json_lines(path):
        try:
            different = _differing(row, conditions)
            question = known.get(row["id"])
            asked = _asked(row, question) if question else None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{place}: this is no row of `quoth eval answers`. Name another file."
            ) from error
        if different:
            raise InputError(
                f"{place}: this answer was made otherwise: {different}. Name another file, or "
                "remove this one."
            )
        if asked and row["question"] == asked.question.question:
            found[key_of(asked)] = asked
    return found


def _asked(row: Row, question: AnswerQuestion) -> Asked:
    given = Given(
        text=row["answer"],
        passages=tuple(_passage(one) for one in row["passages"]),
        citations=tuple(_citation(one) for one in row["citations"]),
        is_cut_off=row["is_cut_off"],
    )
    return Asked(
        k=row["k"],
        question=question,
        given=given,
        verdict=judge(question, given),
        tokens=row["tokens"],
        first_s=row["first_token_s"],
        seconds=row["seconds"],
    )


def _passage(row: Row) -> Passage:
    locations = tuple(Location(**one) for one in row["locations"])
    return Passage(**{**row, "locations": locations, "copies": tuple(row["copies"])})


def _citation(row: Row) -> Citation:
    return Citation(**{**row, "others": tuple(SourceSpan(**one) for one in row["others"])})


def _differing(row: Row, conditions: Mapping[str, object]) -> str:
    made = row["made_with"]
    return ", ".join(
        f"{name} was {made.get(name)!r} and is {value!r}"
        for name, value in conditions.items()
        if made.get(name) != value
    )


def _cut_half_line(path: Path) -> None:
    """Take away what a killed run wrote of its last line."""
    try:
        with path.open("r+b") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if content[whole:].startswith(_BEGINNING):  # else it is none of ours: leave it
                file.truncate(whole)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
