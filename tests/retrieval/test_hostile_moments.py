"""Moments at which an index is easily wrong: between two steps, beside others, after damage."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.errors import QuothError
from quoth.retrieval import Filters, HashingEmbedder, Index, watch
from quoth.retrieval.adding import TextDocument
from quoth.retrieval.database import DATABASE
from quoth.retrieval.lexical import unpacked
from quoth.retrieval.migrations import MIGRATIONS, migrate
from quoth.retrieval.terms import terms_of


class StoppedError(Exception):
    """The sync ends here, as if it had been killed."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def made(folder: Path) -> Index:
    return Index.open_or_create(folder, embedder=HashingEmbedder())


def names(index: Index) -> list[str]:
    return [document.document for document in index.documents()]


def altered(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_two_processes_may_bring_the_same_old_index_up_to_date(tmp_path: Path) -> None:
    """Both saw the same steps to do; the second did them again and failed."""
    path = tmp_path / DATABASE
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY) STRICT")
    MIGRATIONS[0](connection)
    connection.execute("INSERT INTO migrations VALUES (?)", (MIGRATIONS[0].__name__,))
    connection.close()
    start = threading.Barrier(4)

    def opened() -> int:
        own = sqlite3.connect(path, isolation_level=None, timeout=30)
        start.wait()
        migrate(own)
        [[count]] = own.execute("SELECT count(*) FROM migrations")
        own.close()
        return int(count)

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(opened) for _ in range(4)]
    assert [each.result() for each in done] == [len(MIGRATIONS)] * 4


@pytest.mark.parametrize("text", ["1,234" + ",567" * 25_000 + "x", "9" * 100_000, "1,2" * 30_000])
def test_no_text_makes_its_terms_take_long(text: str) -> None:
    """100 kB of numbers joined by commas took a minute."""
    began = time.monotonic()
    terms_of(text)
    assert time.monotonic() - began < 5


def test_a_sync_that_ends_early_leaves_a_sound_index(folder: Path, tmp_path: Path) -> None:
    """A file got the bytes of another one: its former document lay nowhere until the sync ended."""
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall.", "b.txt": "Pears hang."})

    def stop(done: int, total: int, what: str) -> None:
        if what == "c.txt":
            raise StoppedError

    with made(folder) as index:
        index.sync([docs])
        write_files(docs, {"a.txt": "Pears hang.", "c.txt": "Plums rot."})
        with pytest.raises(StoppedError):
            index.sync([docs], progress=stop)
        assert index.verify().problems == ()
        assert names(index) == ["b.txt"]
        report = index.sync([docs])
        assert names(index) == ["b.txt", "c.txt"]
        assert (report.added, report.unchanged) == (1, 2)


def test_a_document_that_lies_in_no_file_is_repaired(folder: Path, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall.", "b.txt": "Pears hang."})
    with made(folder) as index:
        index.sync([docs])
    altered(folder, "DELETE FROM files WHERE name = 'a.txt'")
    report = Index.repair(folder)
    assert report.problems == ()
    assert report.removed == ("a.txt",)
    with made(folder) as index:
        assert index.sync([docs]).added == 1
        assert index.verify().problems == ()


def test_a_file_of_a_lost_document_can_go(folder: Path, tmp_path: Path) -> None:
    """Every further sync failed with a `KeyError`."""
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall.", "b.txt": "Pears hang."})
    with made(folder) as index:
        index.sync([docs])
    altered(folder, "PRAGMA foreign_keys = ON", "DELETE FROM documents WHERE name = 'a.txt'")
    (docs / "a.txt").unlink()
    with made(folder) as index:
        index.sync([docs])
        assert names(index) == ["b.txt"]
        assert index.verify().problems == ()


def test_a_text_in_the_place_of_a_document_leaves_its_copies_to_be_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy counted as unchanged, and what it holds was in the index no more."""
    monkeypatch.setattr("quoth.retrieval.scanning._AT_REST_NS", -(1 << 62))
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall.", "b.txt": "Apples fall."})
    with made(folder) as index:
        index.sync([docs])
        [document] = index.documents()
        index.add_texts([TextDocument(id=document.document_id, text="Written by hand.")])
        assert [one.copies for one in index.documents()] == [()]
        index.sync([docs])
        assert index.search("apples", 1, mode="lexical")[0].passage.text == "Apples fall."
        assert index.verify().problems == ()


def test_postings_stay_in_order_when_an_early_document_is_renamed(
    folder: Path, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall.", "b.txt": "Pears kept."})
    with made(folder) as index:
        index.sync([docs])
        (docs / "a.txt").rename(docs / "pears.txt")
        index.sync([docs])
        assert index.verify().problems == ()
    connection = sqlite3.connect(folder / DATABASE)
    for (postings,) in connection.execute("SELECT postings FROM lexical_blocks"):
        places = unpacked(postings)[0].tolist()
        assert places == sorted(places)
    connection.close()


@pytest.mark.parametrize("name", ["documents", "folders", "formats", "tags"])
def test_half_a_character_is_no_reason_to_crash(folder: Path, tmp_path: Path, name: str) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall."})
    with made(folder) as index:
        index.sync([docs])
        [document] = index.documents()
        with pytest.raises(QuothError, match="half a character"):
            index.search("apples", filters=Filters(**{name: ("\udcff",)}))
        with pytest.raises(QuothError, match="half a character"):
            index.tag(document.document_id, ["\udcff"])
        assert index.verify().problems == ()


def test_a_writer_at_work_is_not_taken_for_damage(folder: Path, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {f"{n}.txt": f"Text {n}." for n in range(40)})
    over = threading.Event()

    def write() -> None:
        with made(folder) as writer:
            for turn in range(1000):
                if over.is_set():
                    return
                write_files(docs, {f"{n}.txt": f"Text {n} of {turn}." for n in range(40)})
                writer.sync([docs])

    with made(folder) as index:
        index.sync([docs])
        thread = threading.Thread(target=write)
        thread.start()
        try:
            problems = [index.verify().problems for _ in range(15)]
        finally:
            over.set()
            thread.join()
    assert problems == [()] * 15


def test_the_status_of_an_index_can_be_told_while_it_is_written(
    folder: Path, tmp_path: Path
) -> None:
    with made(folder) as index:
        over = threading.Event()

        def come_and_go() -> None:
            while not over.is_set():
                (folder / "vectors.faiss.1.tmp").write_bytes(b"1")
                (folder / "vectors.faiss.1.tmp").unlink()

        thread = threading.Thread(target=come_and_go)
        thread.start()
        try:
            told = [index.status() for _ in range(1500)]
        finally:
            over.set()
            thread.join()
        assert {one.num_documents for one in told} == {len(index.documents())}


@pytest.mark.parametrize("name", ["documents", "folders", "formats", "tags"])
def test_a_filter_may_name_many(folder: Path, tmp_path: Path, name: str) -> None:
    """SQLite refused more than 1,000 conditions, and the message told of a broken database."""
    docs = write_files(tmp_path / "docs", {"in/a.txt": "Apples fall.", "b.md": "Apples hang."})
    with made(folder) as index:
        index.sync([docs])
        wanted = {"documents": "a.txt", "folders": "in", "formats": "txt", "tags": "red"}[name]
        for document in index.documents():
            index.tag(document.document_id, ["red"] if "a.txt" in document.document else [])
        values = (*(f"no{number}" for number in range(3000)), wanted)
        hits = index.search("apples", filters=Filters(**{name: values}))
        assert [hit.passage.document for hit in hits] == ["in/a.txt"]


class StrictEmbedder(HashingEmbedder):
    """Reads only what is UTF-8, as tokenizers do; fails when told to."""

    failure: Exception | None = None

    def embed(self, texts, *, progress=None):
        if self.failure:
            raise self.failure
        return super().embed(texts, progress=progress)

    def embed_query(self, query: str):
        query.encode()
        return super().embed_query(query)


def test_a_question_with_half_a_character_is_asked(folder: Path) -> None:
    with Index.create(folder, embedder=StrictEmbedder()) as index:
        index.add_texts([TextDocument(id="a", text="Apples fall.")])
        assert index.search("apples \ud800")[0].passage.text == "Apples fall."


@pytest.mark.parametrize(
    "failure", [RuntimeError("out of memory"), ValueError("no numbers"), MemoryError("none left")]
)
def test_a_watch_outlives_an_embedder_that_fails(
    folder: Path, tmp_path: Path, failure: Exception
) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "Apples fall."})
    embedder, stop = StrictEmbedder(), threading.Event()
    embedder.failure = failure
    with Index.create(folder, embedder=embedder) as index:
        events = watch(index, [docs], stop=stop, quiet_s=0.05, rescan_s=0.2)
        assert str(failure) in next(events).problem
        embedder.failure = None
        report = next(event.report for event in events if event.report)
        stop.set()
        assert report.added == 1


def test_an_index_of_refused_files_alone_is_sound(folder: Path, tmp_path: Path) -> None:
    """In SQL, NULL is not in an empty list: the files counted as those of lost documents."""
    docs = write_files(tmp_path / "docs", {"a.txt": ""})
    with made(folder) as index:
        assert len(index.sync([docs]).skipped) == 1
        assert index.verify().problems == ()
    assert Index.repair(folder).actions == ()
