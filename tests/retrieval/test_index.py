"""Search, documents and errors of an index."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.folders import CountingEmbedder, write_files
from helpers.pdfs import make_pdf, paragraph
from quoth.errors import (
    ConfigError,
    EmbedderMismatchError,
    IndexBusyError,
    IndexFailure,
    IndexFormatError,
    IndexNotFoundError,
    InputError,
)
from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.locking import writer_lock

FILES = {
    "bridge.md": "# Bridges\n\nThe old bridge was built in 1901.\n\n# Boats\n\nBoats pass below.\n",
    "deep/garden.txt": "Tomatoes need sun and water every day.",
    "report.pdf": make_pdf([paragraph(["Cover page."]), paragraph(["Profit rose to nine euros."])]),
}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_files(tmp_path / "docs", FILES)


@pytest.fixture
def index(tmp_path: Path, docs: Path):
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as made:
        made.sync([docs])
        yield made


def test_search_returns_exact_passages_best_first(index: Index) -> None:
    hits = index.search("when was the old bridge built", k=2)
    assert hits[0].passage.document == "bridge.md"
    assert hits[0].score > hits[1].score
    for hit in hits:
        passage = hit.passage
        assert index.text(passage.document_id)[passage.start : passage.end] == passage.text
    best = hits[0].passage
    assert (best.heading, best.location) == ("Bridges", "Bridges")  # nothing else tells where
    assert index.location(best.document_id, best.start, best.end) == "Bridges"


def test_pages_come_with_passages(index: Index) -> None:
    [hit] = index.search("profit rose euros", k=1)
    passage = hit.passage
    assert (passage.document, passage.page, passage.end_page) == ("report.pdf", 1, 2)
    start = passage.text.index("Profit")
    assert index.page_at(passage.document_id, passage.start + start) == 2
    [rect] = index.rectangles(passage.document_id, start, start + len("Profit rose"))
    assert rect.page == 2
    text_hit = index.search("tomatoes", k=1)[0].passage
    assert text_hit.page is None
    assert index.page_at(text_hit.document_id, 0) is None
    assert index.rectangles(text_hit.document_id, 0, 5) == []


def test_more_than_there_is_gives_all_there_is(index: Index) -> None:
    assert len(index.search("anything", k=1000)) == index.status().num_passages == 4


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    with Index.create(tmp_path / "empty", embedder=HashingEmbedder()) as index:
        assert index.search("anything") == []
        assert index.documents() == ()
        assert index.verify().is_clean


def test_a_score_is_the_cosine(index: Index) -> None:
    [passage] = [hit.passage for hit in index.search("tomatoes", k=1)]
    text = f"garden\n{passage.text}"  # what was embedded: the title, and the passage
    assert index.search(text, k=1, mode="dense")[0].score == pytest.approx(1, abs=1e-5)


def test_equal_scores_come_in_a_fixed_order(tmp_path: Path) -> None:
    docs = write_files(
        tmp_path / "same", {f"{n}/same.txt": f"The same words. {n * '.'}" for n in range(30)}
    )
    orders = []
    for name in ("one", "two"):
        with Index.create(tmp_path / name, embedder=HashingEmbedder()) as index:
            index.sync([docs])
            orders.append([hit.passage.document for hit in index.search("same words", k=7)])
    assert orders[0] == orders[1]


@pytest.mark.parametrize(("query", "k"), [("", 5), ("  \n", 5), ("x", 0), ("x", -1)])
def test_a_search_for_nothing_is_refused(index: Index, query: str, k: int) -> None:
    with pytest.raises(InputError):
        index.search(query, k)


def test_documents_tell_what_they_are(index: Index) -> None:
    documents = {one.document: one for one in index.documents()}
    assert list(documents) == ["bridge.md", "deep/garden.txt", "report.pdf"]
    assert documents["report.pdf"].num_pages == 2
    assert documents["bridge.md"].num_pages is None
    assert documents["bridge.md"].num_passages == 2
    assert documents["bridge.md"].title == "Bridges"
    assert index.status().num_documents == 3
    assert index.status().embedder_id == "hashing"


def test_what_is_not_there_is_named(index: Index) -> None:
    for call in (index.text, index.remove):
        with pytest.raises(InputError, match="no document 'nothing'"):
            call("nothing")
    with pytest.raises(InputError, match="no document"):
        index.page_at("nothing", 0)
    with pytest.raises(InputError, match="no document"):
        index.rectangles("nothing", 0, 1)


def test_a_removed_document_is_gone_for_good(index: Index, tmp_path: Path) -> None:
    [garden] = [one for one in index.documents() if "garden" in one.document]
    index.remove(garden.document_id)
    assert all("Tomatoes" not in hit.passage.text for hit in index.search("tomatoes", k=9))
    index.close()
    for file in (tmp_path / "index").iterdir():
        assert b"garden" not in file.read_bytes()
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as again:
        assert len(again.search("tomatoes", k=9)) == 3
        assert again.verify().problems == ()


def test_nothing_of_a_removed_document_stays_on_the_disk(index: Index, tmp_path: Path) -> None:
    file = tmp_path / "Wormwood.md"
    file.write_text("# Quillfeather\n\nA line of text.\n")
    index.sync([file])
    held = [each for each in index.path.iterdir() if b"Quillfeather" in each.read_bytes()]
    [document] = [each.document_id for each in index.documents() if "Wormwood" in each.document]
    index.remove(document)
    left = [each.name for each in index.path.iterdir() if b"Quillfeather" in each.read_bytes()]
    assert held
    assert left == []


def test_another_embedder_is_refused_before_any_search(index: Index) -> None:
    with pytest.raises(EmbedderMismatchError, match=r"'hashing' \(256.*'hashing-64' \(64\)"):
        Index.open(index.path, embedder=HashingEmbedder(dim=64))


def test_without_an_embedder_an_index_tells_about_itself_only(index: Index) -> None:
    with Index.open(index.path, embedder=None) as bare:
        assert len(bare.documents()) == 3
        assert bare.verify().is_clean
        with pytest.raises(ConfigError, match="without an embedder"):
            bare.search("bridge")


def test_no_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="quoth index sync --index"):
        Index.open(tmp_path / "nowhere", embedder=HashingEmbedder())
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(IndexNotFoundError):
        Index.open(file, embedder=HashingEmbedder())
    with pytest.raises(InputError, match="No index can be made"):
        Index.create(file, embedder=HashingEmbedder())


def test_an_index_is_not_made_over_another_nor_among_other_things(index: Index, docs: Path) -> None:
    with pytest.raises(InputError, match="already"):
        Index.create(index.path, embedder=HashingEmbedder())
    with pytest.raises(InputError, match="holds other things"):
        Index.create(docs, embedder=HashingEmbedder())
    with Index.open_or_create(index.path, embedder=HashingEmbedder()) as same:
        assert len(same.documents()) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not readable as an index manifest"),
        ("[]", "not readable"),
        ('{"format": "other"}', "format is 'other'"),
        ('{"format": "quoth-index", "version": 1}', "index_id"),
        ('{"format": "quoth-index", "version": 99}', "version 99.*pip install --upgrade"),
    ],
)
def test_a_bad_manifest_is_refused(index: Index, content: str, reason: str) -> None:
    index.close()
    (index.path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(IndexFormatError, match=reason):
        Index.open(index.path, embedder=HashingEmbedder())


def test_a_damaged_database_is_refused_with_a_way_out(index: Index) -> None:
    index.close()
    path = index.path / "index.sqlite3"
    path.write_bytes(b"garbage " * 2000)
    with pytest.raises(IndexFormatError, match=r"damaged.*documents are not affected.*sync"):
        Index.open(index.path, embedder=HashingEmbedder())
    path.unlink()
    with pytest.raises(IndexFormatError, match="is missing"):
        Index.open(index.path, embedder=HashingEmbedder())


def test_damage_inside_the_database_is_told_and_never_a_wrong_answer(index: Index) -> None:
    index.close()
    path = index.path / "index.sqlite3"
    content = bytearray(path.read_bytes())
    for place in range(4096, len(content), 512):
        content[place : place + 64] = b"\xa5" * 64
    path.write_bytes(content)
    with pytest.raises(IndexFailure):
        search_verified(index.path)


def search_verified(path: Path) -> None:
    with Index.open(path, embedder=HashingEmbedder()) as opened:
        assert opened.verify().problems
        opened.search("bridge", k=9)


def test_a_database_of_a_newer_quoth_is_refused(index: Index) -> None:
    import sqlite3

    index.close()
    with sqlite3.connect(index.path / "index.sqlite3") as connection:
        connection.execute("INSERT INTO migrations VALUES ('m999_future')")
    connection.close()
    with pytest.raises(IndexFormatError, match=r"m999_future.*--upgrade"):
        Index.open(index.path, embedder=HashingEmbedder())


@pytest.mark.parametrize("damage", ["missing", "garbage", "cut", "foreign"])
def test_a_damaged_vector_file_is_made_again_from_the_database(
    index: Index, tmp_path: Path, docs: Path, damage: str, caplog
) -> None:
    expected = index.search("bridge", k=9)
    index.close()
    path = index.path / "vectors.faiss"
    if damage == "missing":
        path.unlink()
    elif damage == "foreign":
        with Index.create(tmp_path / "other", embedder=HashingEmbedder()) as other:
            other.sync([docs / "deep"])
        path.write_bytes((tmp_path / "other" / "vectors.faiss").read_bytes())
    else:
        path.write_bytes(b"garbage" * 99 if damage == "garbage" else path.read_bytes()[:-9])
    embedder = CountingEmbedder()
    with Index.open(index.path, embedder=embedder) as again:
        assert len(again.verify().problems) == 1
        assert again.search("bridge", k=9) == expected
        assert again.sync([docs]).unchanged == 3
        assert again.verify().is_clean
    assert embedder.read == []  # nothing was embedded again
    assert ("damaged" in caplog.text) == (damage != "missing")


def test_one_writer_at_a_time_and_readers_go_on(index: Index, docs: Path) -> None:
    with writer_lock(index.path):
        with pytest.raises(IndexBusyError, match=r"is being written.*Try again when"):
            index.sync([docs], wait_s=0.1)
        with pytest.raises(IndexBusyError):
            index.remove(index.documents()[0].document_id, wait_s=0)
        with Index.open(index.path, embedder=HashingEmbedder()) as reader:
            assert reader.search("bridge")
    assert index.sync([docs]).unchanged == 3


def test_a_second_writer_waits_for_the_first(index: Index, docs: Path) -> None:
    """Two questions about one folder at once: both sync, and neither fails."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with writer_lock(index.path):
            held.set()
            let_go.wait(10)
            write_files(docs, {"new.txt": "The first may have indexed what is new."})

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    threading.Timer(0.3, let_go.set).start()
    report = index.sync([docs])  # and looks at the folder when its turn has come
    assert (report.added, report.unchanged) == (1, 3)
    thread.join()


def test_two_that_make_an_index_at_once_share_it(tmp_path: Path, monkeypatch) -> None:
    """The second finds nothing, waits for the lock, and opens what the first has made."""
    folder = tmp_path / "index"
    opened: list[Path] = []

    @contextmanager
    def late(path: Path, wait_s: float = 0.0) -> Iterator[None]:
        if not opened:
            opened.append(path)
            Index.create(path, embedder=HashingEmbedder()).close()
        with writer_lock(path):
            yield

    monkeypatch.setattr("quoth.retrieval.creating.writer_lock", late)
    with Index.open_or_create(folder, embedder=HashingEmbedder()) as index:
        assert opened == [folder]
        assert index.documents() == ()


def test_a_reader_sees_what_another_writer_did(index: Index, docs: Path) -> None:
    with Index.open(index.path, embedder=HashingEmbedder()) as reader:
        assert reader.search("zebra", k=1)[0].passage.document != "zoo.txt"
        write_files(docs, {"zoo.txt": "A zebra has stripes."})
        (docs / "bridge.md").unlink()
        index.sync([docs])
        assert reader.search("zebra", k=1)[0].passage.document == "zoo.txt"
        assert len(reader.search("zebra", k=9)) == 3


def test_searching_from_many_threads_while_documents_change(index: Index, docs: Path) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                for hit in index.search("The old bridge was built", k=6):
                    assert (
                        "bridge" not in hit.passage.document
                        or "1901" in hit.passage.text
                        or ("Boats" in hit.passage.text)
                    )
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(15):
        padding = "Long words before it. " * turn
        write_files(docs, {"bridge.md": f"{padding}\n\nThe bridge of 1901.\n\nBoats {turn} pass."})
        index.sync([docs])
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert index.verify().is_clean


def test_verify_notices_what_is_wrong(index: Index) -> None:
    import sqlite3

    index.close()
    connection = sqlite3.connect(index.path / "index.sqlite3")
    connection.executescript(
        "UPDATE passages SET start = start + 1 WHERE id = 1;"
        "UPDATE documents SET num_chars = 1 WHERE name = 'deep/garden.txt';"
        "UPDATE passages SET page = 7 WHERE page IS NOT NULL;"
        "UPDATE passages SET vector = zeroblob(1024) WHERE id = 2;"
    )
    connection.close()
    with Index.open(index.path, embedder=HashingEmbedder()) as again:
        problems = " ".join(again.verify().problems)
    for expected in ("in no passage", "not the one that was indexed", "is on pages", "length 0"):
        assert expected in problems
    assert "different vectors" in problems


def test_the_manifest_says_what_the_folder_is(index: Index) -> None:
    content = json.loads((index.path / "manifest.json").read_text(encoding="utf-8"))
    assert content["format"] == "quoth-index"
    assert content["version"] == 1
    assert content["embedder"] == {"id": "hashing", "dim": 256}


def test_looking_at_an_index_changes_no_file_of_it(index: Index, docs: Path) -> None:
    """A committed index must not turn up as changed because somebody asked it something."""
    index.close()
    before = {path.name: path.read_bytes() for path in index.path.iterdir()}
    with Index.open(index.path, embedder=HashingEmbedder()) as again:
        again.search("bridge")
        again.verify()
        assert again.sync([docs]).unchanged == 3
    assert {path.name: path.read_bytes() for path in index.path.iterdir()} == before
    assert set(before) == {"manifest.json", "index.sqlite3", "vectors.faiss", "writer.lock"}
