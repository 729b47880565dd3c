"""Technical documents that training holds out, and the questions that were written about them."""

import json
from pathlib import Path

from answering.corpora import HELD_OUT_SHARE, Domain, Row
from quoth.decoding.training.sources import Document, is_held_out, read_documents

CORPUS = "text/corpus.jsonl.xz"
NOVELS = "computationalstylistics/100_english_novels"
READ = (".md", ".rst", ".txt")  # other files of the corpus are plain text under another name


def technical_domain(data: Path, questions: Path, share: float = HELD_OUT_SHARE) -> Domain:
    """The documents under their paths, and the rows whose document is among them.

    Rows name a document by source and path: "python/peps/peps/pep-0006.rst".
    """
    documents = {
        f"{document.source}/{document.path}": document
        for document in read_documents(data / CORPUS)
        if is_held_out(document.path, share=share) and document.source != NOVELS
    }
    with questions.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    named = (_with_name(row, documents) for row in rows)
    return Domain(
        name="technical",
        documents={_name(key): document.text for key, document in documents.items()},
        questions=[row for row in named if row],
    )


def _with_name(row: Row, documents: dict[str, Document]) -> Row | None:
    wanted = row.get("document")
    if not wanted:
        return row
    return {**row, "document": _name(wanted)} if wanted in documents else None


def _name(key: str) -> str:
    """The file's name: the path itself, with another suffix where no loader would know it."""
    return key if key.endswith(READ) else f"{key}.txt"
