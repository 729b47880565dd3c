"""An index of a million passages: what opening, searching, adding and deleting cost, and recall.

    python bench/million.py FOLDER [PASSAGES] [--vectors clustered|random] [--kind auto|sq8|ivf]

Makes the index in FOLDER (4 GB for a million passages) unless it is there, and measures it in a
fresh process. Vectors and text are drawn (see drawing.py). Ends with a line of JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from drawing import PASSAGES, DrawnEmbedder, DrawnWords, drawn_documents

from quoth.retrieval import Index
from quoth.retrieval.docstore import DocStore

K = 10
_WORDS_ASKED = 6
_ADDED = 1_000  # passages
_NUM_COLD = 50  # questions to an index that the system has nothing of in its cache


def main() -> None:
    """Build, then measure in another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("passages", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--vectors", choices=["clustered", "random"], default="clustered")
    parser.add_argument("--kind", choices=["auto", "flat", "sq8", "ivf"], default="auto")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options)))
        return
    note = options.folder / "built.json"
    if not note.exists():
        note.write_text(json.dumps(build(options)), encoding="utf-8")
    built = json.loads(note.read_text(encoding="utf-8"))
    again = [sys.executable, *sys.argv, "--measure"]
    done = subprocess.run(again, check=True, stdout=subprocess.PIPE, text=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps({"command": sys.argv, "passages": options.passages, **built, **measured}))


def build(options: argparse.Namespace) -> dict[str, float]:
    """Fill the index through its store, document by document, as a sync does without the files."""
    embedder = DrawnEmbedder(options.vectors)
    folder = options.folder / "index"
    Index.create(folder, embedder=embedder).close()
    begun = time.perf_counter()
    store = DocStore(folder)
    for number, document in enumerate(drawn_documents(options.passages, embedder)):
        store.replace(*document)
        if number % 5_000 == 0:
            print(f"{number} documents, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    store.close()
    filled = time.perf_counter()
    with Index.open(folder, embedder=embedder) as index:
        index.optimise(options.kind, progress=_tell)
    return {
        "fill_s": round(filled - begun, 1),
        "optimise_s": round(time.perf_counter() - filled, 1),
        "bytes": sum(path.stat().st_size for path in folder.iterdir()),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All figures, of an index that this process has not seen before."""
    embedder = DrawnEmbedder(options.vectors)
    folder = options.folder / "index"
    questions = _draw_questions(folder, embedder, options.queries + _NUM_COLD)
    cold, questions = questions[:_NUM_COLD], questions[_NUM_COLD:]
    figures: dict[str, Any] = {}
    for name in ("cold", "warm"):
        if name == "cold":
            _drop_from_cache(folder)
        with _timed(figures, f"open_{name}_s"):
            index = Index.open(folder, embedder=embedder)
        with _timed(figures, f"first_search_{name}_s"):
            index.search(cold[0], K)
        if name == "cold":
            figures |= {f"cold_{key}": each for key, each in _searches(index, cold).items()}
            index.close()
            for path in folder.iterdir():  # into the cache, where an index in use lies
                _read(path)
    figures |= _searches(index, questions)
    figures |= _memory()
    figures |= _recall(index, embedder, questions)
    for name, call in (
        ("status_s", index.status),
        ("documents_s", index.documents),
        ("count_s", index._store.vectors.count),
    ):
        with _timed(figures, name):
            call()
    figures |= _changes(index, options.folder)
    index.close()
    return figures


def _draw_questions(folder: Path, embedder: DrawnEmbedder, count: int) -> list[str]:
    """Questions with words and a vector near those of a passage each."""
    store = DocStore(folder)
    state = store.vectors.state()
    draw = np.random.default_rng(13)
    ids = np.sort(draw.choice(np.arange(1, state.newest_id + 1), count, replace=False))
    held, vectors = store.vectors.of(ids.tolist(), dim=embedder.dim)
    hits = store.passages.hits(held.tolist())
    near = embedder.near(vectors)
    for key, vector in zip(held.tolist(), near, strict=True):
        passage = hits[key].passage
        text = store.documents.text(passage.document_id) or ""
        words = text[passage.start : passage.end].split()
        embedder.questions[" ".join(draw.permutation(words)[:_WORDS_ASKED])] = vector
    store.close()
    return [str(each) for each in draw.permutation(list(embedder.questions))]


def _searches(index: Index, questions: list[str]) -> dict[str, float]:
    """Milliseconds by the clock, and those of this thread on a processor: others may be at work."""
    taken, worked = [], []
    for question in questions:
        begun, began_work = time.perf_counter(), time.thread_time()
        index.search(question, K)
        taken.append(1e3 * (time.perf_counter() - begun))
        worked.append(1e3 * (time.thread_time() - began_work))
    figures = {"max_ms": round(max(taken), 2)}
    for name, values in (("", taken), ("cpu_", worked)):
        p50, p99 = np.percentile(values, [50, 99])
        figures |= {f"{name}p50_ms": round(float(p50), 2), f"{name}p99_ms": round(float(p99), 2)}
    return figures


def _memory() -> dict[str, int]:
    """Resident memory of this process in MB: all of it, and the part that is no file's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    rows = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "rss_mb": int(rows["VmRSS"].split()[0]) // 1024,
        "anonymous_mb": int(rows["RssAnon"].split()[0]) // 1024,
    }


def _recall(index: Index, embedder: DrawnEmbedder, questions: list[str]) -> dict[str, float]:
    """Share of the true best ten that the vectors' search finds, and of the best one."""
    asked = np.stack([embedder.questions[each] for each in questions])
    scores = np.full((len(asked), K), -2, dtype=np.float32)
    ids = np.zeros((len(asked), K), dtype=np.int64)
    for some, vectors in index._store.vectors.after(0, dim=embedder.dim):
        both = np.hstack([scores, asked @ vectors.T])
        keys = np.hstack([ids, np.broadcast_to(some, (len(asked), len(some)))])
        best = np.argpartition(-both, K, axis=1)[:, :K]
        scores = np.take_along_axis(both, best, axis=1)
        ids = np.take_along_axis(keys, best, axis=1)
    first = np.take_along_axis(ids, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    begun = time.perf_counter()
    found = [[key for key, _ in index._vectors.search(row, K)] for row in asked]
    dense = (time.perf_counter() - begun) / len(asked)
    shares = [len(set(a) & set(b.tolist())) / K for a, b in zip(found, ids, strict=True)]
    firsts = [a[0] == b for a, b in zip(found, first, strict=True)]
    base = index._vectors._base
    return {
        "recall_at_10": round(float(np.mean(shares)), 4),
        "recall_at_1": round(float(np.mean(firsts)), 4),
        "dense_mean_ms": round(1e3 * dense, 2),
        "lists": base.note.num_lists if base else 0,
        "probes": base.note.num_probes if base else 0,
    }


def _changes(index: Index, folder: Path) -> dict[str, Any]:
    """Add documents by a sync of files, with the embedder's time left out; then delete them."""
    words = DrawnWords()
    words.passages(1)
    docs = folder / "added"
    docs.mkdir(exist_ok=True)
    stamp = f"{time.time_ns()}"
    for number in range(_ADDED // PASSAGES):
        texts = "\n\n".join(f"{stamp} {text} {text}" for text in words.passages(PASSAGES))
        (docs / f"{number}.txt").write_text(texts, encoding="utf-8")
    figures: dict[str, Any] = {}
    with _timed(figures, "add_s"):
        report = index.sync([docs])
    figures["added_passages"] = report.embedded
    with _timed(figures, "sync_unchanged_s"):
        index.sync([docs])
    added = [each for each in index.documents() if each.path.parent.name == docs.name]
    with _timed(figures, "delete_s"):
        index.remove(added[0].document_id)
    first = index.documents()[0]
    with _timed(figures, "delete_old_s"):
        index.remove(first.document_id)
    for path in docs.iterdir():
        path.unlink()
    with _timed(figures, "delete_100_documents_s"):
        index.sync([docs])
    return figures


class _timed:
    def __init__(self, figures: dict[str, Any], name: str) -> None:
        self._figures, self._name = figures, name

    def __enter__(self) -> None:
        self._begun, self._began_work = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self._figures[self._name] = round(time.perf_counter() - self._begun, 3)
        worked = time.process_time() - self._began_work
        self._figures[f"{self._name.removesuffix('_s')}_cpu_s"] = round(worked, 3)


def _drop_from_cache(folder: Path) -> None:
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _read(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 22):
            pass


def _tell(done: int, total: int, what: str) -> None:
    if done % 100_000 == 0:
        print(f"{what}: {done} of {total}", file=sys.stderr)


if __name__ == "__main__":
    main()
