"""Corpora that are held out: what is left out, what is drawn, and how filings spell a number."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest
from answering.corpora import HELD_OUT_SHARE, Group, domain_of, file_name, gathered
from answering.filings import spellings

from quoth.app.evaluating.answers.questions import read_answer_questions
from quoth.decoding.training.recipe import MiniRecipe
from quoth.decoding.training.sources import is_held_out

ROOT = Path(__file__).resolve().parents[2]


def groups(num: int, questions: int) -> list[Group]:
    return [
        Group(
            name=f"{n}.txt",
            contexts=(f"context {n}",),
            questions=tuple({"question": f"q{n} {m}", "answers": ["a"]} for m in range(questions)),
        )
        for n in range(num)
    ]


def test_the_split_is_that_of_training() -> None:
    (share,) = [field.default for field in fields(MiniRecipe) if field.name == "held_out_share"]
    assert share == HELD_OUT_SHARE


@pytest.mark.parametrize(("num", "questions"), [(100, 5), (40, 1), (4, 10), (300, 2)])
def test_documents_of_unanswerable_questions_are_left_out(num, questions) -> None:
    domain = domain_of("d", groups(num, questions))
    kinds = Counter(bool(row["answers"]) for row in domain.questions)
    assert 0 < kinds[False] <= 60
    assert 0 < kinds[True] <= 190
    assert num * 0.45 <= len(domain.documents) < num
    for row in domain.questions:
        name = f"{row['question'].split()[0][1:]}.txt"
        assert (name in domain.documents) == bool(row["answers"])
        assert row["answers"] == [] or row["document"] == name
    assert len({row["id"] for row in domain.questions}) == len(domain.questions)
    assert domain_of("d", groups(num, questions)[::-1]).questions == domain.questions


def test_contexts_of_a_title_are_one_document_and_questions_come_once() -> None:
    rows = [
        ("a.txt", "one", {"question": "q", "answers": ["x"]}),
        ("a.txt", "two", {"question": "q", "answers": ["y", "x"]}),
        ("b.txt", "one", {"question": "q", "answers": ["z"]}),
    ]
    first, second = gathered(rows)
    assert (first.contexts, first.questions) == (
        ("one", "two"),
        ({"question": "q", "answers": ["x", "y"]},),
    )
    assert (second.name, second.contexts) == ("b.txt", ("one",))


def test_names_of_files_are_plain() -> None:
    assert file_name("rio bravo (film)") == "rio-bravo--film.txt"
    assert file_name("../..") == ".txt" or "/" not in file_name("../..")
    assert file_name("0123456789abcdef" * 4) == "0123456789ab.txt"


@pytest.mark.parametrize(
    ("answer", "evidence", "expected"),
    [
        ("$11588.00", "3,033 10,073 11,588", ["11,588", "11588", "11,588.0"]),
        ("$5466.00", "Total 5,466,312 and 4,586,657", ["5,466,312", "5466312", "5,466,312.0"]),
        ("$8.70", "8,738 and 1,234", ["8,738", "8738", "8,738.0"]),
        ("A gain of $20 billion.", "of approximately $20 billion", ["20 billion"]),
        ("6.25", "1,234 625", []),
        ("$0.40", "389 and 4", []),
        ("6.2%", "6.2 percent", []),
        ("From 3 to 4", "3 4", []),
        ("$1500.00", "1,500,100 1,500,200", []),
    ],
)
def test_a_number_is_spelled_as_the_filing_has_it(answer, evidence, expected) -> None:
    assert spellings(answer, evidence) == expected


def test_the_script_makes_what_the_command_reads(tmp_path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    titles = [title for n in range(400) if is_held_out(title := f"title {n}", share=HELD_OUT_SHARE)]
    sources = ["qed_dev", "squadshifts_amazon_reviews", "policyqa_dev"]
    rows = [
        {
            "source": source,
            "title": title,
            "context": f"The {title} is green.",
            "question": f"What colour is {title}?",
            "answers": ["green"],
        }
        for source in sources
        for title in [*titles, "never held out"]
    ]
    (data / "qa_train").mkdir(parents=True)
    with gzip.open(data / "qa_train" / "extractive_qa.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    pdfs = data / "financebench" / "pdfs"
    pdfs.mkdir(parents=True)
    (pdfs / "3M.pdf").write_bytes(b"%PDF")
    row = {"doc": "3M.pdf", "question": "3M's sales?", "answer": "$5.00"}
    row |= {"evidence": [{"text": "Sales 5", "page": 0}]}
    (data / "financebench" / "questions.jsonl").write_text(json.dumps(row), encoding="utf-8")
    command = [sys.executable, str(ROOT / "bench" / "held_out.py"), str(data), str(out)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    counts = json.loads(result.stdout)
    assert set(counts) == {"encyclopedic", "forum", "policy", "finance"}
    assert counts["finance"] == {"documents": 1, "answerable": 1, "unanswerable": 1}
    kept = read_answer_questions([out / "encyclopedic" / "questions.jsonl"])
    files = {path.name for path in (out / "encyclopedic" / "docs").iterdir()}
    assert {one.document for one in kept if one.kind == "answerable"} == files
    assert "never-held-out.txt" not in files
    assert len(kept) == len(titles)
    (filing, other) = read_answer_questions([out / "finance" / "questions.jsonl"])
    assert (filing.pages, filing.answers) == ((1,), ("5", "5.0"))
    assert (other.question, other.kind) == ("Caterpillar's sales?", "unanswerable")
    assert (out / "finance" / "docs" / "3M.pdf").read_bytes() == b"%PDF"
