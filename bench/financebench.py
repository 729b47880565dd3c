"""Questions on company filings: is the page with the evidence among the first passages?

    python bench/financebench.py FOLDER --cache vectors.sqlite3 --per-query rows.jsonl > out.json

FOLDER holds `pdfs/` and `questions.jsonl` (FinanceBench, arXiv 2311.11944; rows with `doc`,
`question`, and `evidence` with `page` counted from 0). `plain BM25` is bench/finding/plain_bm25.py
on the same passages. Pages/s and peak memory are those of reading, cutting, embedding and storing;
with --cache, vectors of earlier runs are taken from there, and `embedded` says how many were not.
The last line on stdout is one JSON document.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finding.cached_embedder import CachedEmbedder
from finding.plain_bm25 import PlainBm25
from quoth.app.cli.eval_report import page_row, values_table, write_rows
from quoth.app.evaluating.pages import PageQuestion, PageSearch, document_ids, evaluate_pages
from quoth.app.evaluating.searching import page_search_in
from quoth.retrieval import ChunkingConfig, Index, load_embedder
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.search_options import MODES
from quoth.types import Passage


def main() -> int:
    """Ingest, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, help="file of vectors")
    parser.add_argument("--per-query", type=Path, help="file for one JSON object per question")
    parser.add_argument("--target", type=int, default=ChunkingConfig().target)
    parser.add_argument("--smallest", type=int, default=ChunkingConfig().smallest)
    parser.add_argument("--overlap", type=int, default=ChunkingConfig().overlap)
    arguments = parser.parse_args()
    chunking = ChunkingConfig(
        target=arguments.target, smallest=arguments.smallest, overlap=arguments.overlap
    )
    embedder: Any = load_embedder()
    if arguments.cache:
        embedder = CachedEmbedder(embedder, arguments.cache)
    questions = read_questions(arguments.folder / "questions.jsonl")
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.create(Path(folder) / "index", embedder=embedder, chunking=chunking) as index,
    ):
        ingestion = ingested(index, arguments.folder / "pdfs")
        ids = document_ids(questions, index.documents())
        searches: dict[str, PageSearch] = {mode: page_search_in(index, mode) for mode in MODES}
        searches["plain BM25"] = plain_search(index)
        reports = {name: evaluate_pages(each, questions, ids) for name, each in searches.items()}
    if arguments.per_query:
        rows = (page_row(name, one) for name in reports for one in reports[name].questions)
        write_rows(arguments.per_query, rows)
    values = {name: report.values for name, report in reports.items()}
    print(values_table(values))
    print(json.dumps({"questions": len(questions), "modes": values, "ingestion": ingestion}))
    return 1 if ingestion["failures"] else 0


def read_questions(path: Path) -> list[PageQuestion]:
    """The questions, with pages counted from 1."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        PageQuestion(
            question=row["question"],
            document=row["doc"],
            pages=tuple(each["page"] + 1 for each in row["evidence"]),
        )
        for row in rows
    ]


def ingested(index: Index, folder: Path) -> Mapping[str, object]:
    """Sync the filings; what it took."""
    begun, spent, told = time.perf_counter(), time.process_time(), 0.0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal told
        if time.perf_counter() - told > 10 or done == total:
            told = time.perf_counter()
            print(f"{done / max(total, 1):5.0%} {told - begun:6.0f} s {what}", file=sys.stderr)

    report = index.sync([folder], progress=progress)
    seconds, processor = time.perf_counter() - begun, time.process_time() - spent
    pages = sum(document.num_pages or 0 for document in index.documents())
    return {
        "documents": report.added,
        "failures": [f"{one.path.name}: {one.reason}" for one in report.skipped],
        "pages": pages,
        "passages": report.passages,
        "embedded": report.embedded,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "pages_per_s": round(pages / seconds, 1),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def plain_search(index: Index) -> PageSearch:
    """Plain BM25 over the index's passages."""
    passages = all_passages(index)
    everywhere = ranker(passages)
    by_document = {
        document.document_id: ranker([p for p in passages if p.document_id == document.document_id])
        for document in index.documents()
    }

    def search(query: str, k: int, document_id: str | None) -> Sequence[Passage]:
        return (by_document[document_id] if document_id else everywhere)(query, k)

    return search


def ranker(passages: Sequence[Passage]) -> Any:  # noqa: ANN401 - a function
    """The search of some passages by plain BM25, each read with its document's name."""
    bm25 = PlainBm25([f"{Path(p.document).stem} {p.heading} {p.text}" for p in passages])
    return lambda query, k: [passages[place] for place in bm25.search(query, k)]


def all_passages(index: Index) -> list[Passage]:
    """Every passage of the index."""
    store = DocStore(index.path)
    names = {one.document_id: one.document for one in index.documents()}
    texts = {key: index.text(key) for key in names}
    passages = [
        Passage(
            id=str(record.id),
            document_id=key,
            document=names[key],
            text=texts[key][record.start : record.end],
            start=record.start,
            end=record.end,
            page=record.page,
            end_page=record.end_page,
            heading=record.heading,
        )
        for key in names
        for record in store.passages.of(key)
    ]
    store.close()
    return passages


if __name__ == "__main__":
    sys.exit(main())
