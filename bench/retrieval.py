"""How well each search ranks the documents of judged sets, next to a plain BM25.

    python bench/retrieval.py DATA --cache vectors.sqlite3 > retrieval.json

DATA holds a folder for each set, in the layout of BEIR: `corpus.jsonl` (or `.jsonl.gz`),
`queries.jsonl`, `qrels.tsv`. `plain BM25` is bench/finding/plain_bm25.py over title and text, as
BEIR does. The last line on stdout is one JSON document.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finding.cached_embedder import CachedEmbedder
from finding.plain_bm25 import PlainBm25
from quoth.app.cli.eval_report import retrieval_table
from quoth.app.evaluating.judged_set import JudgedQuery, JudgedSet, read_set
from quoth.app.evaluating.retrieval import DEPTH, RetrievalReport, evaluate, measured, report_of
from quoth.app.evaluating.searching import search_in
from quoth.retrieval import ChunkingConfig, Embedder, Index, TextDocument, load_embedder
from quoth.retrieval.search_options import MODES


def main() -> int:
    """Measure every set and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="*", help="names of folders; all by default")
    parser.add_argument("--cache", type=Path, help="file of vectors")
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
    folders = [path for path in sorted(arguments.folder.iterdir()) if (path / "qrels.tsv").exists()]
    found: dict[str, object] = {}
    for folder in folders:
        if not arguments.sets or folder.name in arguments.sets:
            reports = of_set(read(folder), embedder, chunking)
            print(f"{folder.name}\n{retrieval_table(reports)}\n", flush=True)
            found[folder.name] = {
                name: {**one.values, "ci95": one.intervals} for name, one in reports.items()
            }
    print(json.dumps({"chunking": recipe(chunking), "sets": found}))
    return 0


def read(folder: Path) -> JudgedSet:
    """The set in a folder."""
    packed = folder / "corpus.jsonl.gz"
    corpus = packed if packed.exists() else folder / "corpus.jsonl"
    return read_set(folder / "queries.jsonl", folder / "qrels.tsv", corpus)


def recipe(chunking: ChunkingConfig) -> str:
    """Its sizes."""
    return f"{chunking.target}/{chunking.smallest}/{chunking.overlap}"


def of_set(
    judged: JudgedSet, embedder: Embedder, chunking: ChunkingConfig
) -> Mapping[str, RetrievalReport]:
    """Plain BM25, and every mode of an index of the corpus."""
    documents = judged.corpus.documents if judged.corpus else ()
    reports = {"plain BM25": plain(documents, judged.queries)}
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.create(Path(folder) / "index", embedder=embedder, chunking=chunking) as index,
    ):
        index.add_texts(documents)
        for mode in MODES:
            reports[mode] = evaluate(search_in(index, mode), judged.queries)
    return reports


def plain(documents: Sequence[TextDocument], queries: Sequence[JudgedQuery]) -> RetrievalReport:
    """Plain BM25 over whole documents."""
    bm25 = PlainBm25([f"{document.title}\n{document.text}" for document in documents])
    return report_of(
        [
            measured(one, [documents[place].id for place in bm25.search(one.query, DEPTH)])
            for one in queries
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
