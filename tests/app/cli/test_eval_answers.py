"""`quoth eval answers` with the packaged model on a few small documents."""

import json
from pathlib import Path

import pytest

from quoth.app.cli import run
from quoth.app.evaluating.answers.figures import SHARES

DOCUMENTS = {
    "warranty.md": "# Warranty\n\nThe warranty of the Corvid 3 lasts twenty-four months from the "
    "day of purchase. Batteries are covered for six months only.\n",
    "backup.txt": "Backups are written at midnight to the archive folder. Each backup is kept for "
    "thirty days. Older backups are deleted by the cleaner.\n",
    "keys.txt": "To rotate the keys, call the rotate command and restart the workers. Keys expire "
    "after 90 days.\n",
}
QUESTIONS = (
    {
        "id": "w",
        "domain": "manuals",
        "question": "How long does the warranty of the Corvid 3 last?",
        "answers": ["Twenty-four months"],
        "document": "warranty.md",
    },
    {
        "id": "b",
        "domain": "manuals",
        "question": "Where are backups written?",
        "answers": ["archive folder"],
    },
    {"id": "x", "domain": "odd", "question": "Who won the 1998 world cup?", "answers": []},
    {
        "id": "h",
        "domain": "odd",
        "question": "And where are they written?",
        "answers": ["thirty days"],
        "history": [
            {"question": "How long?", "answer": "[1] Each backup is kept for thirty days."}
        ],
        "from_history": True,
    },
)


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def questions(tmp_path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, QUESTIONS)) + "\n", encoding="utf-8")
    return path


def test_answers_are_judged_as_the_assistant_gives_them(documents, questions, tmp_path, capsys):
    assert run(["ask", str(QUESTIONS[0]["question"]), "--docs", str(documents), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    rows_file, page = tmp_path / "rows.jsonl", tmp_path / "page.html"
    command = ["eval", "answers", str(questions), "--docs", str(documents), "--passages", "1,3"]
    command += ["--per-question", str(rows_file), "--json"]
    assert run([*command, "--report", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["questions"], list(told["passages"])) == (4, ["1", "3"])
    figures = told["passages"]["3"]
    assert list(figures) == ["manuals", "odd", "all"]
    assert set(SHARES) - {"refused_not_retrieved", "right_passage_not_first"} <= set(figures["all"])
    assert figures["all"]["retrieved"] == figures["manuals"]["retrieved"]
    assert (figures["all"]["retrieved"]["hits"], figures["all"]["retrieved"]["n"]) == (2, 2)
    assert (figures["all"]["empty"]["n"], figures["odd"]["from_history"]["n"]) == (4, 1)
    rows = [json.loads(line) for line in rows_file.read_text(encoding="utf-8").splitlines()]
    assert [(row["k"], row["id"]) for row in rows] == [(k, i) for k in (1, 3) for i in "wbxh"]
    assert (rows[4]["answer"], rows[4]["tokens"]) == (alone["text"], alone["stats"]["tokens"])
    assert [one["text"] for one in rows[4]["passages"]] == [p["text"] for p in alone["passages"]]
    assert all(0 < row["first_token_s"] <= row["seconds"] for row in rows)
    assert "holds the answer" in page.read_text(encoding="utf-8")


def test_a_run_that_was_broken_off_goes_on(documents, questions, tmp_path, capsys):
    rows_file = tmp_path / "rows.jsonl"
    command = ["eval", "answers", str(questions), "--docs", str(documents), "--json"]
    command += ["--per-question", str(rows_file)]
    assert run(command) == 0
    whole, told = rows_file.read_text(encoding="utf-8"), capsys.readouterr().out
    lines = whole.splitlines(keepends=True)
    rows_file.write_text("".join(lines[:2]) + lines[2][:50], encoding="utf-8")
    assert run(command) == 0
    capsys.readouterr()
    again = rows_file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert (again[:2], len(again)) == (lines[:2], 4)
    rows_file.write_text(whole, encoding="utf-8")
    assert run([*command, "--device", "nowhere"]) == 0  # nothing is left to ask: no model is loaded
    assert capsys.readouterr().out == told
    assert run([*command, "--max-new-tokens", "20"]) == 2
    message = capsys.readouterr().err
    assert "rows.jsonl:1: this answer was made otherwise: max_new_tokens was 160 and is" in message
    rows_file.write_text("no rows", encoding="utf-8")
    assert run(command) == 2
    assert rows_file.read_text(encoding="utf-8") == "no rows"
    rows_file.write_text('{"id": 1}\n', encoding="utf-8")
    assert run(command) == 2
    assert "rows.jsonl:1: this is no row of" in capsys.readouterr().err


def test_a_table_is_printed_for_each_number_of_passages(documents, questions, capsys):
    command = ["eval", "answers", str(questions), "--docs", str(documents), "--limit", "1"]
    assert run([*command, "--max-new-tokens", "5"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("With 3 passages\n")
    assert "manuals" in out
    assert "100.0 [21-100] 1" in out
    assert [line for line in out.splitlines() if line.startswith("all")]


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ({"question": "q", "answers": ["a"]}, ("--passages", "0"), "--passages is '0'"),
        ({"question": "q", "answers": ["a"]}, ("--passages", "1,x"), "--passages is '1,x'"),
        (
            {"question": "q", "answers": ["a"], "document": "no.md"},
            (),
            "no document called 'no.md'",
        ),
        (
            {"question": "q", "answers": ["a"], "document": "keys.txt", "pages": [1]},
            (),
            "odd.jsonl:1: 'keys.txt' has no pages",
        ),
        ({"question": "q" * 5000, "answers": []}, (), "odd.jsonl:1: The question has 5000"),
        ({"question": "q"}, (), "odd.jsonl:1: the field 'answers' is missing"),
    ],
)
def test_mistakes_are_told_before_a_model_is_loaded(
    documents, tmp_path, capsys, row, options, message
):
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    command = ["eval", "answers", str(path), "--docs", str(documents), "--device", "nowhere"]
    assert run([*command, *options]) == 2
    assert message in capsys.readouterr().err
