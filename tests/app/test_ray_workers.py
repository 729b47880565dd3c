"""On a real local Ray cluster: the same index as without, whatever happens to the workers."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

pytest.importorskip("ray")

import ray

from helpers import deadly_embedder
from helpers.folders import write_files
from helpers.index_contents import contents
from helpers.pdfs import make_pdf, paragraph
from quoth.app.cli import run
from quoth.app.ray_workers import RayWorkers
from quoth.errors import ConfigError, EmbedderMismatchError
from quoth.retrieval import HashingEmbedder, Index, load_embedder

pytestmark = pytest.mark.slow

FILES = {
    **{f"{n}.txt": f"Document {n}.\n\n" + f"Words of number {n % 9}. " * 60 for n in range(40)},
    "page.html": "<html><body><h1>Title</h1><p>A page of text.</p></body></html>",
    "notes.md": "# Notes\n\nSome.\n\n## More\n\n" + "A longer part of the notes. " * 90,
    "code.py": "def double(x):\n    return 2 * x\n",
    "empty.txt": "",
    "binary.bin": b"\0\1\2\3" * 100,
    "same.txt": "Document 3.\n\n" + "Words of number 3. " * 60,
}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Started once, and joined by all."""
    ray.cloudpickle.register_pickle_by_value(deadly_embedder)  # workers cannot import it
    with RayWorkers(2)._cluster():
        yield
    ray.cloudpickle.unregister_pickle_by_value(deadly_embedder)


@pytest.fixture
def workers() -> RayWorkers:
    return RayWorkers(2)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_files(
        tmp_path / "docs", FILES | {"a.pdf": make_pdf([paragraph(["One line.", "Another."])])}
    )


def synced(folder: Path, docs: Path, **options):
    embedder = options.pop("embedder", HashingEmbedder())
    with Index.open_or_create(folder, embedder=embedder) as index:
        report = index.sync([docs], **options)
        assert index.verify().problems == ()
        hits = [(hit.passage.text, hit.score) for hit in index.search("number 3 page", k=9)]
        return report, contents(index), hits


def test_the_index_is_that_of_a_local_sync(tmp_path: Path, docs: Path, workers) -> None:
    expected = synced(tmp_path / "local", docs)
    assert synced(tmp_path / "ray", docs, preparer=workers) == expected
    write_files(docs, {"3.txt": "Changed.", "page.html": "<p>Another page.</p>", "new.md": "# N"})
    (docs / "notes.md").unlink()
    expected = synced(tmp_path / "local", docs)
    assert expected[0].changed == 2
    assert synced(tmp_path / "ray", docs, preparer=workers) == expected


def test_vectors_of_a_model_have_the_same_bits(tmp_path: Path, docs: Path, workers) -> None:
    torch.set_num_threads(1)  # as on the workers
    embedder = load_embedder()
    expected = synced(tmp_path / "local", docs, embedder=embedder)
    assert synced(tmp_path / "ray", docs, embedder=embedder, preparer=workers) == expected


def test_a_worker_that_dies_costs_nothing(tmp_path: Path, docs: Path) -> None:
    write_files(docs, {"20.txt": "A text at which a worker will CRASH once."})
    fuse = tmp_path / "fuse"
    fuse.touch()
    expected = synced(tmp_path / "local", docs)
    workers = RayWorkers(2, load=partial(deadly_embedder.DeadlyEmbedder, fuse))
    assert synced(tmp_path / "ray", docs, preparer=workers) == expected
    assert not fuse.exists()


def test_a_file_that_kills_every_worker_is_reported_and_passed_over(
    tmp_path: Path, docs: Path
) -> None:
    poison = write_files(docs, {"15.txt": "This is POISON."}) / "15.txt"
    workers = RayWorkers(2, load=deadly_embedder.DeadlyEmbedder)
    report, held, _ = synced(tmp_path / "ray", docs, preparer=workers)
    reasons = {file.path: file.reason for file in report.skipped}
    assert reasons.pop(poison) == "could not be read: it has killed 3 workers"
    poison.unlink()
    expected, all_others, _ = synced(tmp_path / "local", docs)
    assert reasons == {file.path: file.reason for file in expected.skipped}
    assert held == all_others


def test_another_embedder_on_the_workers_is_refused(tmp_path: Path, docs: Path) -> None:
    workers = RayWorkers(1, load=partial(HashingEmbedder, 8))
    with pytest.raises(EmbedderMismatchError):
        synced(tmp_path / "index", docs, preparer=workers)


def test_numbers_of_actors_that_cannot_be_had_are_refused(tmp_path: Path, docs: Path) -> None:
    with pytest.raises(ConfigError, match="not 0"):
        RayWorkers(0)
    with pytest.raises(ConfigError, match="has 2 CPUs"):
        synced(tmp_path / "index", docs, preparer=RayWorkers(3))


DRIVER = """
import sys
from pathlib import Path
from quoth.app.cli import run
from quoth.app.ray_workers import RayWorkers
from quoth.retrieval import HashingEmbedder, Index

with Index.open_or_create(sys.argv[1], embedder=HashingEmbedder()) as index:
    print("ready", flush=True)
    index.sync([Path(sys.argv[2])], preparer=RayWorkers(2))
"""


def test_a_killed_driver_leaves_what_it_committed(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {f"{n:04}.txt": f"Text {n}. " * 20 for n in range(600)})
    folder = tmp_path / "index"
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder), str(docs)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "ready\n"
    with Index.open(folder, embedder=HashingEmbedder()) as watching:
        while watching.status().num_documents < 50:
            time.sleep(0.02)
    family = _family(driver.pid)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    with Index.open(folder, embedder=HashingEmbedder()) as index:
        kept = len(index.documents())
        assert 50 <= kept < 600
        assert all("next sync" in problem for problem in index.verify().problems)
    report, held, hits = synced(folder, docs)
    assert (report.added, report.unchanged) == (600 - kept, kept)
    assert (held, hits) == synced(tmp_path / "local", docs)[1:]
    deadline = time.monotonic() + 120
    while any(_runs(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [pid for pid in family if _runs(pid)] == []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _family(pid: int) -> list[int]:
    """All processes below `pid`."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [each for child in children for each in [child, *_family(child)]]


def test_the_command_line_takes_workers(tmp_path: Path, docs: Path, capsys) -> None:
    options = [str(docs), "--index", str(tmp_path / "index"), "--embedder", "hashing"]
    assert run(["index", "sync", *options, "--ray-actors", "2"]) == 2
    assert "Add --ray" in capsys.readouterr().err
    assert run(["index", "sync", *options, "--json", "--ray", "--ray-actors", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == synced(tmp_path / "l", docs)[0].added
