"""Training texts: which sources may be used, how they are read, and what is held out.

Only sources whose licence allows shipping a derived model are read; every other row is skipped.
Paths come from the caller. Knows nothing of tokens.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NOVELS = "computationalstylistics/100_english_novels"
"""The source of whose documents only a little is used."""

LICENCES = {
    "xquad_en": "CC BY-SA 4.0",
    "squadshifts_amazon_reviews": "CC BY 4.0",
    "squadshifts_reddit": "CC BY 4.0",
    "squadshifts_new_wiki": "CC BY 4.0",
    "covidqa": "Apache-2.0",
    "qed_dev": "CC BY-SA 3.0",
    "clapnq_dev": "Apache-2.0",
}
"""Question-answering sources that may be trained on, with their licences."""

ARTICLE_SHARE = 0.22
_ARTICLES = frozenset({"xquad_en", "squadshifts_new_wiki"})
_TITLED = frozenset({"xquad_en", "squadshifts_new_wiki", "squadshifts_amazon_reviews", "qed_dev"})


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """One extractive question; ``group`` is the unit of the held-out split (a title or a text).

    ``answers`` are alternatives, or where ``is_quoted`` whole sentences that answer together;
    without any, the context does not answer.
    """

    source: str
    group: str
    question: str
    context: str
    answers: tuple[str, ...]
    is_quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One plain-text document."""

    source: str
    path: str
    text: str


def read_questions(path: Path) -> Iterator[QuestionRow]:
    """Rows of ``extractive_qa.jsonl.gz`` that are licensed and have an answer in their context."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"] not in LICENCES:
                continue
            answers = tuple(answer for answer in row["answers"] if answer in row["context"])
            if answers:
                yield QuestionRow(
                    source=row["source"],
                    group=_group(row["source"], row["title"], row["context"]),
                    question=row["question"].strip(),
                    context=row["context"],
                    answers=answers,
                )


def _group(source: str, title: str, context: str) -> str:
    if source in _TITLED and title:
        return title.replace("_", " ").casefold()
    return hashlib.sha256(context.encode()).hexdigest()


def read_documents(path: Path) -> Iterator[Document]:
    """Documents of a (possibly xz-compressed) JSON-lines corpus: ``source``, ``path``, ``text``."""
    if path.suffix == ".xz":
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            yield from _documents(lines)
    else:
        with path.open(encoding="utf-8") as lines:
            yield from _documents(lines)


def _documents(lines: Iterable[str]) -> Iterator[Document]:
    for line in lines:
        row = json.loads(line)
        yield Document(source=row["source"], path=row["path"], text=row["text"])


def is_held_out(group: str, *, share: float) -> bool:
    """Whether a group belongs to the held-out part: a fixed hash, the same on every machine."""
    digest = hashlib.sha256(b"held-out:" + group.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < share


def is_row_held_out(row: QuestionRow, *, share: float) -> bool:
    """Whether a question belongs to the held-out part.

    Articles are few and have many questions each: of them ``ARTICLE_SHARE`` is held out, or none of
    the newer ones would be.
    """
    share = max(share, ARTICLE_SHARE) if row.source in _ARTICLES else share
    return is_held_out(row.group, share=share)
