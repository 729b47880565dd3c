"""Domains of questions that people asked and answered from a text.

They are held-out groups of the sources that quoth-mini is trained on, and privacy policies, which
it is not trained on at all.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from answering.corpora import (
    HELD_OUT_SHARE,
    Domain,
    Row,
    by_chance,
    domain_of,
    file_name,
    gathered,
    numbered,
)
from quoth.decoding.training.sources import is_row_held_out, read_questions

QUESTIONS = "qa_train/extractive_qa.jsonl.gz"
SOURCES = {
    "encyclopedic": ("squadshifts_new_wiki", "xquad_en", "qed_dev"),
    "forum": ("squadshifts_amazon_reviews", "squadshifts_reddit"),
    "medical": ("covidqa",),
}
POLICIES = ("policyqa_dev", "policyqa_test")
POLICY_QUESTIONS = 200
TELLING_WORDS = 3  # of an answer, where another one has more: "may" stands everywhere


def held_out_domains(data: Path, share: float = HELD_OUT_SHARE) -> list[Domain]:
    """The domains of `SOURCES`, by the split that training makes."""
    rows = [row for row in read_questions(data / QUESTIONS) if is_row_held_out(row, share=share)]
    return [
        domain_of(
            name,
            gathered(
                (
                    file_name(row.group),
                    row.context,
                    {"question": row.question, "answers": list(row.answers)},
                )
                for row in rows
                if row.source in sources
            ),
        )
        for name, sources in SOURCES.items()
    ]


def policy_domain(data: Path) -> Domain:
    """Privacy policies of forty sites.

    The questions speak of "this website", so the site is put before them. None is unanswerable:
    what one policy leaves out, passages of the others say, and a passage does not name its site.
    """
    groups = gathered(
        (file_name(row["title"]), row["context"], _policy_question(row)) for row in _policies(data)
    )
    rows = [{**row, "document": group.name} for group in groups for row in group.questions]
    drawn = by_chance(rows, "question")[:POLICY_QUESTIONS]
    return Domain(
        name="policy",
        documents={group.name: "\n\n".join(group.contexts) + "\n" for group in groups},
        questions=numbered("policy", drawn),
    )


def _policies(data: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(data / QUESTIONS, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"] in POLICIES and any(one in row["context"] for one in row["answers"]):
                yield row


def _policy_question(row: dict[str, Any]) -> Row:
    answers = [one for one in row["answers"] if one in row["context"]]
    telling = [one for one in answers if len(one.split()) >= TELLING_WORDS]
    return {"question": f"{row['title']}: {row['question'].strip()}", "answers": telling or answers}
