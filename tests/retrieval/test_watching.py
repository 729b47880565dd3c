"""An index that is watched follows its folders, whatever happens to them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.errors import IndexFailure, InputError
from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.locking import writer_lock
from quoth.retrieval.watching import WatchEvent, watch

SOON_S = 15


@contextmanager
def watched(index: Index, *paths: Path, quiet_s: float = 0.1) -> Iterator[list[WatchEvent]]:
    """Watch in a thread; give the list that its events go to."""
    stop = threading.Event()
    events: list[WatchEvent] = []

    def run() -> None:
        events.extend(watch(index, paths, stop=stop, quiet_s=quiet_s))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: events)
        yield events
    finally:
        stop.set()
        thread.join(SOON_S)
        assert not thread.is_alive()


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def texts(index: Index) -> dict[str, str]:
    while True:
        try:
            return {one.document: index.text(one.document_id) for one in index.documents()}
        except InputError:  # it went between the two
            continue


@pytest.fixture
def index(tmp_path: Path):
    with Index.create(tmp_path / "index", embedder=HashingEmbedder(16)) as made:
        yield made


def test_what_changes_is_followed(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Bears."})
    with watched(index, docs) as events:
        assert events[0].report.added == 2
        write_files(docs, {"a.txt": "Apricots.", "deep/er/c.txt": "Cats."})
        until(lambda: texts(index).keys() == {"a.txt", "b.txt", "deep/er/c.txt"})
        until(lambda: texts(index)["a.txt"] == "Apricots.")
        (docs / "b.txt").rename(docs / "z.txt")
        until(lambda: "z.txt" in texts(index))
        (docs / "a.txt").unlink()
        until(lambda: texts(index).keys() == {"z.txt", "deep/er/c.txt"})
    assert index.verify().is_clean


def test_changes_that_come_together_are_one_sync(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"0.txt": "Zero."})
    with watched(index, docs, quiet_s=0.5) as events:
        for number in range(1, 6):
            write_files(docs, {f"{number}.txt": f"Number {number}."})
            time.sleep(0.05)
        until(lambda: len(texts(index)) == 6)
    assert [event.report.added for event in events if event.report and event.report.added] == [1, 5]


def test_a_folder_that_goes_and_comes_back(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    others = write_files(tmp_path / "e", {"b.txt": "Bears."})
    with watched(index, docs, others) as events:
        (docs / "a.txt").unlink()
        docs.rmdir()
        until(lambda: any("is gone" in event.problem for event in events))
        assert "a.txt" not in texts(index) or texts(index)["a.txt"] == "Apples."
        write_files(others, {"c.txt": "Cats."})
        until(lambda: "c.txt" in texts(index))
        write_files(docs, {"n.txt": "New."})
        until(lambda: "n.txt" in texts(index))
        write_files(docs, {"m.txt": "More."})  # the new folder is watched, too
        until(lambda: "m.txt" in texts(index))


def test_a_single_file_that_is_replaced(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "other.txt": "No."})
    with watched(index, docs / "a.txt"):
        for text in ("Bears.", "Cats."):
            write_files(docs, {"new": text})
            (docs / "new").replace(docs / "a.txt")
            until(lambda text=text: texts(index) == {"a.txt": text})


def test_an_index_in_the_watched_folder_does_not_wake_itself(index: Index, tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "Apples."})
    with watched(index, tmp_path) as events:
        write_files(tmp_path, {"b.txt": "Bears.", ".hidden/c.txt": "no"})
        until(lambda: "b.txt" in texts(index))
        time.sleep(1)
    assert len(events) <= 3


def test_another_writer_is_waited_for(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    with writer_lock(index.path), watched(index, docs) as events:
        assert "waiting" in events[0].problem
        time.sleep(0.6)
        assert texts(index) == {}
        assert len(events) == 1
        stopped = events
    assert [event.report for event in stopped] == [None]
    with watched(index, docs):
        assert texts(index) == {"a.txt": "Apples."}


def test_a_failure_is_told_and_tried_again(index: Index, tmp_path: Path, monkeypatch) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    sync, failures = index.sync, [IndexFailure("The disk is full."), OSError(5, "I/O error")]

    def fail_first(*arguments, **options):
        if failures:
            raise failures.pop(0)
        return sync(*arguments, **options)

    monkeypatch.setattr(index, "sync", fail_first)
    monkeypatch.setattr("quoth.retrieval.watching._RETRY_S", 0.3)
    with watched(index, docs) as events:
        until(lambda: texts(index))
    assert [event.problem for event in events[:2]] == ["The disk is full.", "[Errno 5] I/O error"]


def test_where_changes_are_not_told_they_are_looked_for(
    index: Index, tmp_path: Path, monkeypatch
) -> None:
    def refuse(*paths, **options):
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles.watch", refuse)
    monkeypatch.setattr("quoth.retrieval.watching._RETRY_S", 0.2)
    monkeypatch.setattr("quoth.retrieval.watching._LOOK_S", 0.1)
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    with watched(index, docs):
        write_files(docs, {"b.txt": "Bears."})
        until(lambda: "b.txt" in texts(index))


def test_paths_that_are_not_there_are_refused(index: Index, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Check the path"):
        next(watch(index, [tmp_path / "typo"], stop=threading.Event()))


def test_stopping_ends_a_sync_between_two_files(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {f"{n}.txt": f"Number {n}." for n in range(50)})
    stop = threading.Event()

    class Stopping(HashingEmbedder):
        def embed(self, texts, *, progress=None):
            if "Number 7." in texts[0]:
                stop.set()
            return super().embed(texts)

    with Index.create(tmp_path / "i", embedder=Stopping(16)) as index:
        assert list(watch(index, [docs], stop=stop)) == []
        assert 1 <= len(index.documents()) < 50
        assert index.verify().is_clean
