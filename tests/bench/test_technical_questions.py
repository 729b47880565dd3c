"""The questions over technical documents are whole, and what they say can be found."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from quoth.decoding.training.sources import read_documents

FILE = Path(__file__).parents[2] / "bench" / "questions" / "technical.jsonl"
COUNTS = {"answerable": 150, "unanswerable": 60, "from the history": 40, "a new passage": 20}


def kind(row: dict[str, Any]) -> str:
    """Which of the four kinds a question is of."""
    if not row["answers"]:
        return "unanswerable"
    if row.get("from_history"):
        return "from the history"
    return "a new passage" if "history" in row else "answerable"


def in_one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def test_every_kind_has_its_count_and_every_question_its_own_name(
    rows: list[dict[str, Any]],
) -> None:
    assert Counter(kind(row) for row in rows) == COUNTS
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["question"] for row in rows}) == len(rows)


def test_every_question_is_whole(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["question"].strip(), row["id"]
        assert row["domain"] in {"technical", "handbook", "textbook"}, row["id"]
        assert all(1 <= len(answer.split()) <= 12 for answer in row["answers"]), row["id"]
        assert (row["document"] is None) == (not row["answers"]), row["id"]


def test_answers_from_the_history_stand_in_it_and_others_do_not(
    rows: list[dict[str, Any]],
) -> None:
    for row in rows:
        told = " ".join(turn["answer"] for turn in row.get("history", []))
        stands = [answer in told for answer in row["answers"]]
        if row.get("from_history"):
            assert all(stands), row["id"]
        elif "history" in row:
            assert not any(stands), row["id"]


def test_the_questions_are_spread_over_many_documents(rows: list[dict[str, Any]]) -> None:
    asked = Counter(row["document"] for row in rows if row["document"])
    assert len(asked) >= 90
    assert max(asked.values()) <= 4


def test_every_answer_stands_in_its_document(rows: list[dict[str, Any]], shared_data: Path) -> None:
    asked = {row["document"] for row in rows}
    documents = {
        name: in_one_line(document.text)
        for document in read_documents(shared_data / "text" / "corpus.jsonl.xz")
        if (name := f"{document.source}/{document.path}") in asked
    }
    for row in rows:
        told = [turn["answer"].removeprefix("[1] ") for turn in row.get("history", [])]
        for text in [*row["answers"], *told]:
            assert text in documents[row["document"]], (row["id"], text)
