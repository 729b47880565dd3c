"""Files of questions: what is taken from a line, and what is told of a wrong one."""

import json
from pathlib import Path

import pytest

from quoth.app.evaluating.answers.questions import limited, read_answer_questions
from quoth.errors import InputError

TURN = {"question": "How long?", "answer": "Thirty days."}


def written(folder: Path, *rows: object, name: str = "manual.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_line_needs_a_question_and_answers_only(tmp_path) -> None:
    path = written(
        tmp_path,
        {"question": " How long? ", "answers": ["30 days"]},
        {"id": 7, "domain": "law", "question": "Who?", "answers": []},
        {"question": "And?", "answers": ["days"], "history": [TURN], "from_history": True},
        {"question": "Sum?", "document": "a.pdf", "pages": [3]},
    )
    first, second, third, fourth = read_answer_questions([path])
    assert (first.id, first.domain, first.question) == ("manual:1", "manual", "How long?")
    assert (first.kind, first.answers) == ("answerable", ("30 days",))
    assert (second.id, second.domain, second.kind) == ("7", "law", "unanswerable")
    assert (third.kind, third.history) == ("from_history", (("How long?", "Thirty days."),))
    assert (fourth.kind, fourth.answers, fourth.pages) == ("answerable", (), (3,))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": " ", "answers": []}, "the question is empty"),
        ({"answers": []}, "the field 'question' is missing"),
        ({"question": "q"}, "the field 'answers' is missing"),
        ({"question": "q", "answers": "a"}, "'answers' is 'a'"),
        ({"question": "q", "answers": [" "]}, r"'answers' is \[' '\]"),
        ({"question": "q", "answers": [1]}, r"'answers' is \[1\]"),
        ({"question": "q", "answers": ["a"], "pages": [0], "document": "d"}, r"'pages' is \[0\]"),
        ({"question": "q", "answers": ["a"], "pages": 3, "document": "d"}, "'pages' is 3"),
        ({"question": "q", "answers": ["a"], "pages": [3]}, "no 'document' that they are of"),
        ({"question": "q", "answers": ["a"], "history": TURN}, "'history' is {"),
        (
            {"question": "q", "answers": ["a"], "history": [{"question": "a"}]},
            "'answer' is missing",
        ),
        ({"question": "q", "answers": ["a"], "from_history": True}, "needs 'answers' and"),
        ({"question": "q", "answers": [], "history": [TURN], "from_history": True}, "needs"),
        ({"question": "q", "answers": ["a"], "from_history": 1}, "'from_history' is 1"),
        ({"question": "q", "answers": ["a"], "domain": "all"}, "the domain 'all'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, row, message) -> None:
    path = written(tmp_path, {"question": "Fine?", "answers": ["yes"]}, row)
    with pytest.raises(InputError, match=rf"manual\.jsonl:2: .*{message}"):
        read_answer_questions([path])


def test_an_id_names_one_question_of_all_files(tmp_path) -> None:
    row = {"id": "a", "question": "q", "answers": []}
    first, second = written(tmp_path, row), written(tmp_path, row, name="more.jsonl")
    with pytest.raises(InputError, match=r"more\.jsonl:1: the id 'a' is there already, at .*:1"):
        read_answer_questions([first, second])


def test_a_limit_is_for_each_domain_and_draws_the_same_again(tmp_path) -> None:
    rows = [{"id": i, "domain": f"d{i % 2}", "question": "q", "answers": []} for i in range(40)]
    questions = read_answer_questions([written(tmp_path, *rows)])
    drawn = limited(questions, 5)
    assert [one.domain for one in drawn].count("d0") == 5
    assert len(drawn) == 10
    assert limited(questions[::-1], 5) == drawn[::-1]
    assert {one.id for one in limited(questions, 3)} < {one.id for one in drawn}
    assert limited(questions, None) == questions
