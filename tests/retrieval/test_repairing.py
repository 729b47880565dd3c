"""A repair makes an index sound, says what it did, and loses nothing without saying so."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.errors import IndexFormatError, IndexNotFoundError
from quoth.retrieval import ChunkingConfig, HashingEmbedder, Index
from quoth.retrieval.database import DATABASE
from quoth.retrieval.live_vectors import VECTORS
from quoth.retrieval.repairing import DAMAGED

SMALL = ChunkingConfig(target=40, smallest=10)
FILES = {
    f"{n}.txt": "\n\n".join(f"Paragraph {p} of document {n} says {n * p}." for p in range(12))
    for n in range(30)
}


def opened(folder: Path) -> Index:
    return Index.open(folder, embedder=HashingEmbedder(16), chunking=SMALL)


@pytest.fixture(scope="module")
def docs(tmp_path_factory) -> Path:
    return write_files(tmp_path_factory.mktemp("docs"), FILES | {"copy.txt": FILES["3.txt"]})


@pytest.fixture(scope="module")
def sound(tmp_path_factory, docs: Path) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "index"
    with Index.create(folder, embedder=HashingEmbedder(16), chunking=SMALL) as index:
        index.sync([docs])
    return folder


@pytest.fixture
def folder(tmp_path: Path, sound: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "index"))


def change(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def texts(index: Index) -> dict[str, str]:
    held: dict[str, str] = {}
    for one in index.documents():
        held |= dict.fromkeys((one.document, *one.copies), index.text(one.document_id))
    return held


def assert_complete_after_a_sync(folder: Path, docs: Path) -> None:
    with opened(folder) as index:
        index.sync([docs])
        assert texts(index) == FILES | {"copy.txt": FILES["3.txt"]}
        assert index.verify().problems == ()
        assert index.search("document 7", k=3)
    assert Index.repair(folder).actions == ()


def test_a_sound_index_stays_as_it_is(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report = Index.repair(folder)
    assert (report.actions, report.removed, report.problems) == ((), (), ())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("damage", [b"", b"garbage" * 99, None])
def test_vectors_are_made_anew(folder: Path, docs: Path, damage: bytes | None) -> None:
    if damage is None:
        (folder / VECTORS).unlink()
    else:
        (folder / VECTORS).write_bytes(damage)
    report = Index.repair(folder)
    assert report.actions == (f"made {VECTORS} anew from the database",)
    assert report.problems == ()
    assert_complete_after_a_sync(folder, docs)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("UPDATE texts SET text = x'00' WHERE document_id = {id}", "A text in"),
        ("UPDATE texts SET locations = x'00' WHERE document_id = {id}", "A list of locations in"),
        ("DELETE FROM texts WHERE document_id = {id}", "its text is missing"),
        ("DELETE FROM passages WHERE document_id = {id} AND start > 0", "is in no passage"),
        ("UPDATE passages SET vector = x'00' WHERE document_id = {id}", "a vector of 1 bytes"),
        ("UPDATE passages SET end = 99999 WHERE document_id = {id}", "outside the text"),
    ],
)
def test_damaged_documents_are_taken_out_and_named(
    folder: Path, docs: Path, damage: str, reason: str
) -> None:
    change(folder, damage.format(id="(SELECT id FROM documents WHERE name = '5.txt')"))
    report = Index.repair(folder)
    assert report.removed == ("5.txt",)
    assert report.problems == ()
    assert report.actions[0].startswith("removed 5.txt, because")
    assert reason in report.actions[0]
    with opened(folder) as index:
        assert texts(index).keys() == FILES.keys() - {"5.txt"} | {"copy.txt"}
    assert_complete_after_a_sync(folder, docs)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE lexical_blocks SET postings = x'00'",
        "DELETE FROM lexical_blocks WHERE term = 'paragraph'",
        "DELETE FROM lexical_lengths",
    ],
)
def test_the_index_of_words_is_made_anew(folder: Path, docs: Path, damage: str) -> None:
    change(folder, damage)
    with opened(folder) as index:
        problems = index.verify().problems
        assert problems
        assert all("words" in each and "quoth index repair" in each for each in problems)
    report = Index.repair(folder)
    assert report.actions == ("made the index of words anew from the texts",)
    assert (report.removed, report.problems) == ((), ())
    with opened(folder) as index:
        assert index.search("paragraph of document 7", mode="lexical")


def test_strays_are_deleted(folder: Path, docs: Path) -> None:
    change(
        folder,
        "INSERT INTO files VALUES ('f', 'nobody', 'n', '/n', '', '', '')",
        "INSERT INTO texts (document_id, text) VALUES ('nobody', x'00')",
    )
    with opened(folder) as index:
        assert len(index.verify().problems) == 2
    report = Index.repair(folder)
    assert set(report.actions) >= {"deleted 1 stray rows of texts", "deleted 1 stray rows of files"}
    assert report.problems == ()
    assert_complete_after_a_sync(folder, docs)


def scribble(path: Path, seed: int) -> None:
    """Overwrite a few pages of a database, not the first one, which holds the schema."""
    chance = random.Random(seed)
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in chance.sample(range(12, pages), 3):
        place = page * 4096 + chance.randrange(100)
        content[place : place + 1500] = chance.randbytes(1500)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5])
def test_what_can_be_read_of_a_damaged_database_is_saved(
    folder: Path, docs: Path, seed: int
) -> None:
    scribble(folder / DATABASE, seed)
    report = Index.repair(folder)
    assert report.problems == ()
    assert report.actions
    with opened(folder) as index:
        kept = texts(index)
        assert all(kept[name] == (FILES | {"copy.txt": FILES["3.txt"]})[name] for name in kept)
    assert_complete_after_a_sync(folder, docs)


def test_a_database_that_is_none_is_refused_with_a_way_out(folder: Path) -> None:
    (folder / DATABASE).write_bytes(b"garbage" * 999)
    with pytest.raises(IndexFormatError, match=r"cannot be repaired.*make the index again"):
        Index.repair(folder)
    with pytest.raises(IndexNotFoundError):
        Index.repair(folder / "none")


CHILD = """
import os, signal, sys
from quoth.retrieval import Index

left = int(sys.argv[2])

def audit(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "shutil.rmtree", "os.mkdir"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(audit)
Index.repair(sys.argv[1])
"""


@pytest.mark.slow
def test_a_repair_can_be_killed_at_every_step(folder: Path, docs: Path) -> None:
    scribble(folder / DATABASE, 1)
    with opened(folder) as index:
        assert index.verify().problems
    kills = 0
    while True:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder), str(kills + 1)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if child.returncode != -signal.SIGKILL:
            break
        kills += 1
    assert child.returncode == 0, child.stderr
    assert kills >= 5
    assert_complete_after_a_sync(folder, docs)
    assert (folder / DAMAGED).exists()
