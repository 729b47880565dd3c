"""Files and documents: moved, copied, swapped, and left unread where nothing has changed."""

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.folders import CountingEmbedder, write_files
from quoth.retrieval import Embedder, HashingEmbedder, Index, SyncReport
from quoth.retrieval.database import DATABASE
from quoth.retrieval.loaders import load
from quoth.retrieval.preparing import LocalPreparer, Recipe


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def index(tmp_path: Path, embedder: CountingEmbedder):
    with Index.create(tmp_path / "index", embedder=embedder) as made:
        yield made


def told(report: SyncReport) -> dict[str, int]:
    """What is not zero."""
    names = ("added", "changed", "unchanged", "moved", "duplicates", "removed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def ids(index: Index) -> dict[str, str]:
    return {one.document: one.document_id for one in index.documents()}


def rest(folder: Path, seconds: int = 60) -> None:
    """Let all files look as if they had been written a while ago."""
    moment = time.time_ns() - seconds * 10**9
    for path in folder.rglob("*"):
        os.utime(path, ns=(moment, moment))


def test_two_files_with_the_same_bytes_are_one_document(
    index: Index, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "copy/a.txt": "Apples."})
    assert told(index.sync([docs])) == {"added": 1, "duplicates": 1}
    [document] = index.documents()
    assert (document.document, document.copies) == ("a.txt", ("copy/a.txt",))
    [hit] = index.search("apples", k=9)
    assert (hit.passage.document, hit.passage.copies) == ("a.txt", ("copy/a.txt",))
    assert len(embedder.read) == 1
    assert told(index.sync([docs])) == {"unchanged": 2}
    (docs / "a.txt").unlink()
    assert told(index.sync([docs])) == {"unchanged": 1}
    [after] = index.documents()
    assert (after.document, after.copies) == ("copy/a.txt", ())
    assert after.document_id == document.document_id
    assert index.search("apples")[0].passage.document == "copy/a.txt"
    (docs / "copy" / "a.txt").unlink()
    assert told(index.sync([docs])) == {"removed": 1}
    assert len(embedder.read) == 1
    assert index.verify().is_clean


def test_of_two_equal_files_the_changed_one_becomes_another_document(
    index: Index, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Apples."})
    index.sync([docs])
    [before] = index.documents()
    write_files(docs, {"a.txt": "Apricots."})
    assert told(index.sync([docs])) == {"changed": 1, "unchanged": 1}
    assert ids(index)["b.txt"] == before.document_id  # its text is what was cited
    assert index.text(ids(index)["a.txt"]) == "Apricots."
    write_files(docs, {"a.txt": "Apples."})
    assert told(index.sync([docs])) == {"unchanged": 1, "duplicates": 1, "removed": 1}
    assert index.verify().is_clean


def test_a_file_moved_to_another_folder_keeps_its_document(index: Index, tmp_path: Path) -> None:
    here = write_files(tmp_path / "here", {"a.txt": "Apples."})
    there = write_files(tmp_path / "there", {"b.txt": "Bears."})
    index.sync([here, there])
    before = ids(index)
    (here / "a.txt").rename(there / "z.txt")
    assert told(index.sync([there])) == {"unchanged": 1, "duplicates": 1}  # `here` is not looked at
    assert told(index.sync([here])) == {}
    assert ids(index) == {"z.txt": before["a.txt"], "b.txt": before["b.txt"]}


def test_rotated_and_swapped_files_keep_their_documents(
    index: Index, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "d", {"log.txt": "First.", "x.txt": "Ex.", "y.txt": "Why."})
    index.sync([docs])
    before = ids(index)
    (docs / "log.txt").rename(docs / "old.txt")
    (docs / "x.txt").rename(docs / "z")
    (docs / "y.txt").rename(docs / "x.txt")
    (docs / "z").rename(docs / "y.txt")
    write_files(docs, {"log.txt": "Second."})
    embedder.read.clear()
    report = index.sync([docs])
    assert (report.embedded, report.removed) == (1, 0)
    after = ids(index)
    assert after["old.txt"] == before["log.txt"]
    assert (after["x.txt"], after["y.txt"]) == (before["y.txt"], before["x.txt"])
    assert len(set(after.values())) == 4
    assert {name: index.text(key) for name, key in after.items()} == {
        "log.txt": "Second.", "old.txt": "First.", "x.txt": "Why.", "y.txt": "Ex.",
    }  # fmt: skip
    assert index.verify().is_clean


def test_the_same_bytes_under_another_suffix_are_read_by_its_loader(
    index: Index, tmp_path: Path
) -> None:
    docs = write_files(
        tmp_path / "d", {"a.md": "# Apples\n\nRed.\n", "a.txt": "# Apples\n\nRed.\n"}
    )
    assert told(index.sync([docs])) == {"added": 2}
    assert {one.format for one in index.documents()} == {"markdown", "text"}


def test_one_file_of_a_document_can_be_taken_out(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Apples."})
    index.sync([docs])
    [document] = index.documents()
    index.remove(document.document_id, path=docs / "a.txt")
    assert list(ids(index)) == ["b.txt"]
    index.remove(document.document_id, path=docs / "b.txt")
    assert index.documents() == ()
    assert index.verify().is_clean


def reads(monkeypatch) -> list[str]:
    """Names of the files that are opened from now on."""
    opened: list[str] = []
    original = Path.open

    def open_and_tell(path: Path, *args, **kwargs):
        opened.append(path.name)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", open_and_tell)
    return opened


def shift_clock(monkeypatch, seconds: int) -> None:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + seconds * 10**9)


def test_files_at_rest_are_not_read_again(index: Index, tmp_path: Path, monkeypatch) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "p.png": b"\x89PNG\r\n\x1a\n"})
    shift_clock(monkeypatch, 10)
    first = index.sync([docs])
    opened = reads(monkeypatch)
    second = index.sync([docs])
    assert told(second) == {"unchanged": 1}
    assert second.skipped == first.skipped  # what was refused is named again, without being read
    assert "a.txt" not in opened
    assert "p.png" not in opened
    assert told(index.sync([docs], checksum=True)) == {"unchanged": 1}
    assert "a.txt" in opened
    write_files(docs, {"a.txt": "Bears!!"})  # of the same size
    assert told(index.sync([docs])) == {"changed": 1}


def test_a_file_that_was_just_written_is_read_again(
    index: Index, tmp_path: Path, monkeypatch
) -> None:
    """Written twice within the clock's grain, it would look the same both times."""
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    index.sync([docs])
    opened = reads(monkeypatch)
    index.sync([docs])
    assert "a.txt" in opened


def test_an_edit_that_sets_the_time_back_is_seen(index: Index, tmp_path: Path, monkeypatch) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    rest(docs)
    shift_clock(monkeypatch, 10)
    index.sync([docs])
    before = (docs / "a.txt").stat()
    time.sleep(0.02)  # the grain of the inode's clock
    (docs / "a.txt").write_text("Bears!!")
    os.utime(docs / "a.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert told(index.sync([docs])) == {"changed": 1}


def test_an_index_from_before_files_were_noted_is_taken_over(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Bears."})
    with Index.create(tmp_path / "i", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        before = ids(index)
    with sqlite3.connect(tmp_path / "i" / DATABASE) as connection:
        connection.execute("DROP TABLE files")
        connection.execute("DELETE FROM migrations WHERE name = 'm003_files'")
    connection.close()
    (docs / "a.txt").rename(docs / "c.txt")
    with Index.open(tmp_path / "i", embedder=HashingEmbedder()) as index:
        assert index.verify().is_clean
        assert told(index.sync([docs])) == {"unchanged": 1, "moved": 1}
        assert ids(index) == {"c.txt": before["a.txt"], "b.txt": before["b.txt"]}


@pytest.mark.parametrize("place", [0, 100, 199])
def test_a_paragraph_put_into_a_long_file_embeds_little(
    index: Index, embedder: CountingEmbedder, tmp_path: Path, place: int
) -> None:
    chance = random.Random(1)
    words = [
        "raven",
        "nest",
        "cliff",
        "river",
        "stone",
        "winter",
        "letter",
        "harbour",
        "engine",
        "glass",
    ]
    paragraphs = [" ".join(chance.choices(words, k=chance.randint(9, 150))) for _ in range(200)]
    docs = write_files(tmp_path / "d", {"a.txt": "\n\n".join(paragraphs)})
    assert index.sync([docs]).embedded > 100
    paragraphs.insert(place, "A new paragraph, which nobody has seen before.")
    write_files(docs, {"a.txt": "\n\n".join(paragraphs)})
    embedder.read.clear()
    assert 1 <= index.sync([docs]).embedded <= 3
    assert len(embedder.read) <= 3


NAMES = st.sampled_from(["a.txt", "b.txt", "c.txt", "s/a.txt", "s/d.md"])
STATES = st.lists(
    st.dictionaries(NAMES, st.sampled_from(["One.", "Two.", "Three.", "# Four"])),
    min_size=1,
    max_size=5,
)


@contextmanager
def in_process(embedder: Embedder, recipe: Recipe) -> Iterator[LocalPreparer]:
    """Read files here: a process for each of many syncs takes long."""
    yield LocalPreparer(embedder, recipe, load)


@settings(max_examples=25, deadline=None)
@given(states=STATES)
def test_whatever_happens_to_the_files_the_index_holds_them(tmp_path_factory, states) -> None:
    docs = tmp_path_factory.mktemp("d")
    folder = tmp_path_factory.mktemp("i") / "index"
    with Index.create(folder, embedder=HashingEmbedder(16)) as index:
        for state in states:
            for path in sorted(docs.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            write_files(docs, state)
            report = index.sync([docs], preparer=in_process)
            held: dict[str, str] = {}
            for one in index.documents():
                held |= dict.fromkeys((one.document, *one.copies), index.text(one.document_id))
            assert held == state
            assert report.added + report.changed + report.unchanged + report.moved + (
                report.duplicates
            ) == len(state)
            kinds = {(text, Path(name).suffix) for name, text in state.items()}
            assert len(index.documents()) == len(kinds)
            assert index.verify().problems == ()
