"""What goes wrong with a database is told as what it is: damage only where there is damage."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.errors import IndexFailure, IndexFormatError
from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.database import DATABASE


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_files(tmp_path / "docs", {"a.txt": "Apples grow on trees."})


@pytest.fixture
def folder(tmp_path: Path, docs: Path) -> Path:
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as made:
        made.sync([docs])
    return tmp_path / "index"


def opened(folder: Path) -> Index:
    return Index.open(folder, embedder=HashingEmbedder())


def altered(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def read_all(folder: Path) -> None:
    with opened(folder) as index:
        for document in index.documents():
            index.text(document.document_id)
            index.rectangles(document.document_id, 0, 1)


def open_files(folder: Path) -> list[str]:
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    targets = (os.readlink(link) for link in links if link.is_symlink())  # noqa: PTH115
    return [target for target in targets if target.startswith(str(folder))]


def test_a_closed_index_says_that_it_is_closed(folder: Path, docs: Path) -> None:
    index = opened(folder)
    index.close()
    for call in (index.documents, index.status, lambda: index.sync([docs])):
        with pytest.raises(RuntimeError, match=r"index in .*index is closed"):
            call()
    index.close()  # a second time does no harm


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE texts",
        "ALTER TABLE texts DROP COLUMN boxes",
        "ALTER TABLE documents DROP COLUMN title",
        "UPDATE documents SET name = CAST(x'ff' AS TEXT)",
    ],
)
def test_missing_tables_and_columns_and_bad_text_are_damage(folder: Path, statement: str) -> None:
    altered(folder, statement)
    with pytest.raises(IndexFormatError, match=r"damaged.*repair.*[Dd]elete"):
        read_all(folder)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("RAISE(ABORT, 'out of luck')", "out of luck"),
        ("1 / 0 + abs(-9223372036854775808)", "integer overflow"),
    ],
)
def test_other_faults_are_no_damage(folder: Path, docs: Path, action: str, said: str) -> None:
    altered(folder, f"CREATE TRIGGER t BEFORE INSERT ON documents BEGIN SELECT {action}; END")
    write_files(docs, {"b.txt": "Bears."})
    with opened(folder) as index, pytest.raises(IndexFailure, match=said) as caught:
        index.sync([docs])
    assert not isinstance(caught.value, IndexFormatError)
    assert "Delete" not in str(caught.value)


def test_a_full_disk_is_told_as_such(folder: Path, docs: Path) -> None:
    write_files(docs, {"b.txt": "\n\n".join(f"Bears number {n} sleep." for n in range(30_000))})
    with opened(folder) as index:
        database = index._store.database
        database._writer.execute("PRAGMA max_page_count = 20")
        with pytest.raises(IndexFailure, match=r"full.*Make room") as caught:
            index.sync([docs])
        assert not isinstance(caught.value, IndexFormatError)
        assert len(index.documents()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the open files of a process")
@pytest.mark.parametrize("damage", ["garbage", "future"])
def test_what_cannot_be_opened_leaves_no_file_open(folder: Path, damage: str) -> None:
    if damage == "garbage":
        (folder / DATABASE).write_bytes(b"garbage " * 2000)
    else:
        altered(folder, "INSERT INTO migrations VALUES ('m999_future')")
    with pytest.raises(IndexFormatError) as caught:
        opened(folder)
    assert caught.tb is not None  # which keeps the half made object alive
    assert open_files(folder) == []


@pytest.fixture
def read_only(folder: Path, monkeypatch) -> None:
    """The superuser may write everywhere, so what the system would say is said here."""
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and allowed(path, mode))


@pytest.mark.usefixtures("read_only")
def test_an_index_in_a_read_only_folder_can_be_searched(folder: Path) -> None:
    with opened(folder) as index:
        assert index.search("apples")[0].passage.text == "Apples grow on trees."


@pytest.mark.usefixtures("read_only")
def test_a_log_that_cannot_be_folded_in_is_not_passed_over(folder: Path) -> None:
    """What is in it would be missing, and nobody would know."""
    (folder / f"{DATABASE}-wal").write_bytes(b"left by a writer that was killed")
    with pytest.raises(IndexFailure, match=r"newest documents.*[Cc]opy") as caught:
        opened(folder)
    assert not isinstance(caught.value, IndexFormatError)
    (folder / f"{DATABASE}-wal").write_bytes(b"")
    with opened(folder) as index:
        assert len(index.documents()) == 1
