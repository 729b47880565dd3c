"""Killed at any moment, an index opens, answers rightly, and the next sync completes it.

A child process kills itself (SIGKILL: nothing is cleaned up) at a given SQL statement, file
operation or text; the parent looks at what is left.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.folders import CountingEmbedder, write_files
from quoth.errors import IndexNotFoundError
from quoth.retrieval import HashingEmbedder, Index

FILES = {f"{n}.txt": f"Document {n} tells about number {n}.\n\nAnd more." for n in range(4)}

CHILD = """
import os, signal, sys
from pathlib import Path
from quoth.retrieval import HashingEmbedder, Index

kind, where, count, index_path, docs = sys.argv[1:]
left = int(count)

def die_at(event, what):
    global left
    if event == kind and where in what:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

class Embedder(HashingEmbedder):
    def embed(self, texts, *, progress=None):
        for text in texts:
            die_at("embed", text)
        return super().embed(texts, progress=progress)

def audit(event, arguments):
    if event in ("os.rename", "open", "os.remove"):
        die_at(event, str(arguments[0]))

sys.addaudithook(audit)
index = Index.open_or_create(index_path, embedder=Embedder())
for connection in (index._store.database._writer, index._store.database._reader):
    connection.set_trace_callback(lambda statement: die_at("sql", statement))
if docs == "optimise":
    index.optimise("ivf")
else:
    index.sync([Path(docs)])
print("survived")
"""

POINTS = [
    ("embed", "Document 0", 1),
    ("embed", "Document 2", 1),
    ("sql", "BEGIN", 1),
    ("sql", "INSERT INTO documents", 2),
    ("sql", "INSERT INTO texts", 3),
    ("sql", "INSERT INTO passages", 4),
    ("sql", "UPDATE state", 2),
    ("sql", "COMMIT", 1),
    ("sql", "COMMIT", 4),
    ("open", "vectors.faiss", 1),
    ("os.rename", "vectors.faiss", 1),
]


def run_child(kind: str, where: str, count: int, *paths: Path) -> subprocess.CompletedProcess:
    arguments = [kind, where, str(count), *map(str, paths)]
    return subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False
    )


def assert_right(index: Index) -> None:
    """What is there is whole, and search knows exactly that."""
    held = {one.document: index.text(one.document_id) for one in index.documents()}
    assert all(text == FILES[name] for name, text in held.items())
    found = {hit.passage.document for hit in index.search("document number", k=99)}
    assert found == set(held)
    assert all("next sync" in problem for problem in index.verify().problems)


@pytest.mark.parametrize(("kind", "where", "count"), POINTS)
def test_killed_during_the_first_sync(tmp_path: Path, kind: str, where: str, count: int) -> None:
    docs = write_files(tmp_path / "docs", FILES)
    folder = tmp_path / "index"
    result = run_child(kind, where, count, folder, docs)
    assert result.returncode == -signal.SIGKILL, result.stderr
    with Index.open(folder, embedder=HashingEmbedder()) as index:
        assert_right(index)
        kept = len(index.documents())
        report = index.sync([docs])
        assert (report.added, report.unchanged) == (4 - kept, kept)
        assert index.verify().problems == ()
    assert not list(folder.glob("*.tmp"))


@pytest.mark.parametrize(
    ("kind", "where", "count"),
    [("sql", "DELETE FROM documents", 2), ("sql", "COMMIT", 2), ("os.rename", "vectors", 1)],
)
def test_killed_while_documents_change(tmp_path: Path, kind: str, where: str, count: int) -> None:
    docs = write_files(tmp_path / "docs", {**FILES, "old.txt": "An old document."})
    folder = tmp_path / "index"
    with Index.create(folder, embedder=HashingEmbedder()) as index:
        index.sync([docs])
    write_files(docs, {"0.txt": "Number zero has changed.", "1.txt": "Number one, too."})
    (docs / "old.txt").unlink()
    result = run_child(kind, where, count, folder, docs)
    assert result.returncode == -signal.SIGKILL, result.stderr
    embedder = CountingEmbedder()
    with Index.open(folder, embedder=embedder) as index:
        for hit in index.search("number", k=99):
            passage = hit.passage
            assert index.text(passage.document_id)[passage.start : passage.end] == passage.text
        index.sync([docs])
        assert index.verify().problems == ()
        texts = {one.document: index.text(one.document_id) for one in index.documents()}
        assert texts == {path.name: path.read_text("utf-8") for path in docs.iterdir()}
        found = {hit.passage.document for hit in index.search("number", k=99)}
        assert found == set(texts)


@pytest.mark.parametrize(
    ("kind", "where", "count"),
    [
        ("open", "builder.lock", 1),
        ("sql", "SELECT id, vector", 2),
        ("open", "vectors-", 1),
        ("os.rename", "vectors-", 1),
        ("open", "writer.lock", 1),
        ("sql", "UPDATE state SET value", 1),
        ("sql", "DELETE FROM removals", 1),
        ("sql", "COMMIT", 1),
        ("os.remove", "vectors.faiss", 1),
        ("os.rename", "vectors.faiss", 1),
        ("os.remove", "vectors-", 1),
    ],
)
def test_killed_while_vectors_are_made_anew(
    tmp_path: Path, kind: str, where: str, count: int
) -> None:
    docs = write_files(tmp_path / "docs", FILES)
    folder = tmp_path / "index"
    with Index.create(folder, embedder=HashingEmbedder()) as index:
        index.sync([docs])
        index.optimise("sq8")
    result = run_child(kind, where, count, folder, Path("optimise"))
    assert result.returncode == -signal.SIGKILL, result.stderr
    embedder = CountingEmbedder()
    with Index.open(folder, embedder=embedder) as index:
        assert_right(index)
        assert len(index.documents()) == 4
        index.sync([docs])
        assert index.verify().problems == ()
        index.optimise("ivf")
        assert index.verify().problems == ()
        assert {hit.passage.document for hit in index.search("number", k=99)} == set(FILES)
    assert embedder.read == []
    names = {path.name for path in folder.iterdir() if path.suffix not in {".lock"}}
    [base] = [name for name in names if name.startswith("vectors-")]
    assert names == {"index.sqlite3", "manifest.json", "vectors.faiss", base}


@pytest.mark.parametrize(
    ("kind", "where"), [("open", "writer.lock"), ("open", "manifest.json."), ("os.rename", "mani")]
)
def test_killed_while_an_index_is_made(tmp_path: Path, kind: str, where: str) -> None:
    docs = write_files(tmp_path / "docs", FILES)
    folder = tmp_path / "index"
    result = run_child(kind, where, 1, folder, docs)
    assert result.returncode == -signal.SIGKILL, result.stderr
    with pytest.raises(IndexNotFoundError):
        Index.open(folder, embedder=HashingEmbedder())
    with Index.open_or_create(folder, embedder=HashingEmbedder()) as index:
        assert index.sync([docs]).added == 4
        assert index.verify().problems == ()


def test_the_child_survives_when_nothing_kills_it(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", FILES)
    result = run_child("never", "", 1, tmp_path / "index", docs)
    assert (result.returncode, result.stdout.strip()) == (0, "survived"), result.stderr
