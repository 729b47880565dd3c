"""On a full disk, or one that cannot be written to, an index stays as it was, and says why."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.errors import IndexFailure
from quoth.retrieval import HashingEmbedder, Index

SMALL = {f"{n}.txt": f"Small document {n}." for n in range(5)}
LARGE = {f"large{n}.txt": os.urandom(80_000).hex() for n in range(12)}


def assert_whole(index: Index, docs: Path) -> None:
    """What is there is right; the index is sound but for what it says the next sync does."""
    texts = {one.document: index.text(one.document_id) for one in index.documents()}
    assert texts.keys() >= SMALL.keys()
    assert all(text == (docs / name).read_text("utf-8") for name, text in texts.items())
    assert all("next sync" in problem for problem in index.verify().problems)
    assert {hit.passage.document for hit in index.search("small document", k=99)} >= SMALL.keys()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_next_sync_goes_on(small_disk: Path, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", SMALL)
    with Index.create(small_disk / "index", embedder=HashingEmbedder(32)) as index:
        index.sync([docs])
        write_files(docs, LARGE)
        with pytest.raises(IndexFailure, match=r"full|space left"):
            index.sync([docs])
        assert_whole(index, docs)
        with pytest.raises(IndexFailure, match=r"full|space left"):
            index.sync([docs])
    with Index.open(small_disk / "index", embedder=HashingEmbedder(32)) as index:
        assert_whole(index, docs)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    with Index.open(small_disk / "index", embedder=HashingEmbedder(32)) as index:
        index.sync([docs])
        assert len(index.documents()) == len(SMALL) + len(LARGE)
        assert index.verify().problems == ()
    assert not list((small_disk / "index").glob("*.tmp"))


CHILD = """
import resource, signal, sys
from pathlib import Path
from quoth.errors import IndexFailure
from quoth.retrieval import HashingEmbedder, Index, LoadLimits
from quoth.retrieval.chunking import ChunkingConfig
from quoth.retrieval.loaders import load

folder, docs, size = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Index.open(folder, embedder=HashingEmbedder(32)) as index:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    try:
        index.sync([Path(docs)])
    except IndexFailure as error:
        print(error)
"""


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(50_000, marks=pytest.mark.slow),
        pytest.param(200_000, marks=pytest.mark.slow),
        600_000,
    ],
)
def test_files_that_may_not_grow(tmp_path: Path, size: int) -> None:
    docs = write_files(tmp_path / "docs", SMALL)
    folder = tmp_path / "index"
    with Index.create(folder, embedder=HashingEmbedder(32)) as index:
        index.sync([docs])
    write_files(docs, LARGE)
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(docs), str(size)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "cannot be used" in child.stdout or "could not be written" in child.stdout
    with Index.open(folder, embedder=HashingEmbedder(32)) as index:
        assert_whole(index, docs)
        index.sync([docs])
        assert len(index.documents()) == len(SMALL) + len(LARGE)
        assert index.verify().problems == ()


def test_a_folder_that_cannot_be_written_to_can_be_searched(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", SMALL)
    folder = tmp_path / "index"
    with Index.create(folder, embedder=HashingEmbedder(32)) as index:
        index.sync([docs])
    write_files(docs, {"new.txt": "New."})
    code = f"""
import os
from pathlib import Path
from quoth.errors import IndexFailure
from quoth.retrieval import HashingEmbedder, Index
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
with Index.open({str(folder)!r}, embedder=HashingEmbedder(32)) as index:
    print(len(index.search("small document", k=5)))
    for change in (lambda: index.sync([Path({str(docs)!r})]), lambda: index.remove("x"),
                   lambda: Index.repair({str(folder)!r})):
        try:
            change()
        except IndexFailure as error:
            print(error)
"""
    open_to_all(tmp_path)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    environment = os.environ | {"HOME": str(tmp_path)}
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    folder.chmod(0o755)
    if "ModuleNotFoundError" in child.stderr or "Permission" in child.stderr:
        pytest.skip("another user cannot read the code")
    found, *errors = child.stdout.splitlines()
    assert found == "5"
    assert len(errors) == 3
    assert all("cannot be changed: Permission denied" in error for error in errors)


def open_to_all(path: Path) -> None:
    """Let another user look into a temporary folder."""
    for each in (path, path.parent, path.parent.parent):
        each.chmod(0o755)
