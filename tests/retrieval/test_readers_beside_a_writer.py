"""Several processes search while one writes: each result is text of a version of its document."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.retrieval import ChunkingConfig, HashingEmbedder, Index

NUM_READERS = 3
TESTS = Path(__file__).parents[1]
SMALL = ChunkingConfig(target=40, smallest=10)

READER = """
import re, sys
from pathlib import Path
from helpers.versions import text_of
from quoth.retrieval import HashingEmbedder, Index

folder, stop = map(Path, sys.argv[1:])
searches = hits = 0
with Index.open(folder, embedder=HashingEmbedder(32)) as index:
    print("ready", flush=True)
    while not stop.exists() or not searches:
        for query in ("raven river", "stone number 3", "document 7"):
            for hit in index.search(query, k=20):
                passage = hit.passage
                number, version = map(int, re.search(r"d(\\d+)v(\\d+)", passage.text).groups())
                assert text_of(number, version)[passage.start : passage.end] == passage.text
                hits += 1
            searches += 1
        index.documents(), index.status()
print(searches, hits)
"""


@pytest.mark.parametrize("rounds", [8, pytest.param(150, marks=pytest.mark.slow)])
def test_readers_see_whole_documents_while_they_change(tmp_path: Path, rounds: int) -> None:
    from helpers.versions import text_of

    chance = random.Random(1)
    docs = write_files(tmp_path / "docs", {f"{n}.txt": text_of(n, 0) for n in range(12)})
    stop = tmp_path / "stop"
    folder = tmp_path / "index"
    with Index.create(folder, embedder=HashingEmbedder(32), chunking=SMALL) as index:
        index.sync([docs])
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, str(folder), str(stop)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS,
            )
            for _ in range(NUM_READERS)
        ]  # fmt: skip
        for reader in readers:
            assert reader.stdout.readline() == "ready\n"
        for version in range(1, rounds + 1):
            for number in chance.sample(range(20), 6):
                path = docs / f"{number}.txt"
                if path.exists() and chance.random() < 0.3:
                    path.unlink()
                elif path.exists() and chance.random() < 0.2:
                    path.replace(docs / f"moved{number}.txt")
                else:
                    write_files(docs, {path.name: text_of(number, version)})
            index.sync([docs])
        stop.touch()
        for reader in readers:
            out, errors = reader.communicate(timeout=60)
            assert reader.returncode == 0, errors
            searches, hits = map(int, out.split())
            assert searches >= 3
            assert hits > searches
        assert index.verify().problems == ()
