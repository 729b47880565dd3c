"""Large indexes: the mapped base, what is newer beside it, and the change from one to the next."""

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.folders import write_files
from helpers.stored_documents import clustered, empty_index, exact, save, store_document
from quoth.errors import IndexBusyError
from quoth.retrieval import HashingEmbedder, Index, base_building
from quoth.retrieval.base_vectors import TRAILER, BaseVectors
from quoth.retrieval.locking import writer_lock
from quoth.retrieval.optimising import BUILDER_LOCK
from quoth.retrieval.vectors import DamagedVectorsError

DIM = 16
MANY = 4_000


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict[int, np.ndarray]]:
    """An index of `MANY` passages in lists, and its vectors by id."""
    folder = tmp_path_factory.mktemp("large") / "index"
    rows = clustered(MANY, DIM)
    with empty_index(folder, DIM) as index:
        stored = {}
        for number in range(MANY // 100):
            part = rows[100 * number : 100 * number + 100]
            stored |= dict(zip(store_document(index, f"d{number:02}", part), part, strict=True))
        index.optimise("ivf")
    return folder, stored


@pytest.fixture
def copied(made, tmp_path: Path):
    folder, stored = made
    shutil.copytree(folder, tmp_path / "index")
    return tmp_path / "index", dict(stored)


def opened(folder: Path) -> Index:
    return Index.open(folder, embedder=HashingEmbedder(dim=DIM))


def found(index: Index, query: np.ndarray, k: int = 10, allowed=None) -> list[int]:
    return [key for key, _ in index._vectors.search(query, k, allowed)]


def base_file(folder: Path) -> Path:
    [path] = folder.glob("vectors-*.faiss")
    return path


def recall(index: Index, stored: dict[int, np.ndarray], queries: np.ndarray) -> float:
    hits = [len({*found(index, row)} & {*exact(stored, row, 10)}) for row in queries]
    return sum(hits) / (10 * len(queries))


def test_lists_find_what_an_exact_search_finds_and_scores_are_cosines(made) -> None:
    folder, stored = made
    queries = clustered(60, DIM, seed=1)
    with opened(folder) as index:
        assert recall(index, stored, queries) >= 0.97
        base = index._vectors._base
        assert base is not None
        assert base.note.num_probes < base.note.num_lists  # it did not look everywhere
        for key, score in index._vectors.search(queries[0], 10):
            assert score == pytest.approx(float(stored[key] @ queries[0]), abs=1e-6)
        assert index.verify().problems == ()


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 1.0])
def test_a_filter_acts_inside_the_search(made, share: float) -> None:
    folder, stored = made
    draw = np.random.default_rng(3)
    ids = np.sort(draw.choice(list(stored), max(1, int(share * MANY)), replace=False))
    some = {int(key): stored[int(key)] for key in ids}
    with opened(folder) as index:
        hits = 0
        for row in clustered(20, DIM, seed=2):
            result, expected = found(index, row, 10, ids), exact(some, row, 10)
            assert set(result) <= set(some)
            assert len(result) == len(expected)
            hits += len({*result} & {*expected}) / len(expected)
        assert hits / 20 >= 0.97
        assert found(index, row, 10, ids[:0]) == []


def test_what_is_newer_than_the_base_is_found_and_what_is_gone_is_not(copied) -> None:
    folder, stored = copied
    query = clustered(1, DIM, seed=4)[0]
    with opened(folder) as index:
        best = exact(stored, query, 1)[0]
        name = index._store.passages.hits([best])[best].document
        gone = [passage.id for passage in index._store.passages.of(name)]
        index.remove(name)
        for key in gone:
            del stored[key]
        [new] = store_document(index, "new", query[None])
        stored[new] = query
        assert found(index, query) == exact(stored, query, 10)
        save(index)
        assert index.verify().problems == ()
    with opened(folder) as index:
        assert found(index, query) == exact(stored, query, 10)


def test_what_was_deleted_leaves_the_base_file(copied) -> None:
    folder, _ = copied
    path = base_file(folder)
    before = path.read_bytes()
    with opened(folder) as index:
        gone = {passage.id for passage in index._store.passages.of("d03")}
        index.remove("d03")
        base = index._vectors._base
        assert base is not None
        after = path.read_bytes()
        assert base_file(folder) == path  # the same file, not a new one
        for start, ids in base._lists():
            for row, key in enumerate(ids.tolist()):
                code = slice(start + row * DIM, start + row * DIM + DIM)
                assert (after[code] == bytes(DIM)) == (key in gone)
                assert key in gone or after[code] == before[code]
    with opened(folder) as again:
        assert again.verify().problems == ()


def test_a_changed_byte_of_its_structure_is_noticed_before_faiss_reads_it(copied) -> None:
    folder, _ = copied
    path = base_file(folder)
    content = path.read_bytes()
    owner = owner_of(folder)
    note = BaseVectors.open(path, dim=DIM, owner=owner).note
    data_bytes = note.num_vectors * (DIM + 8)
    structure = len(content) - TRAILER.size - data_bytes
    places = [*range(0, structure, 31), *range(structure + data_bytes, len(content), 5)]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 0x55
        path.write_bytes(changed)
        with pytest.raises(DamagedVectorsError):
            BaseVectors.open(path, dim=DIM, owner=owner)
    for length in (0, 1, TRAILER.size - 1, TRAILER.size, 200, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedVectorsError):
            BaseVectors.open(path, dim=DIM, owner=owner)
    path.write_bytes(content)
    with pytest.raises(DamagedVectorsError, match="another index"):
        BaseVectors.open(path, dim=DIM, owner="somebody")


def owner_of(folder: Path) -> str:
    with opened(folder) as index:
        return index._vectors._owner(index._store.vectors.state().base)


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_lost_base_is_made_again_from_the_database(copied, damage: str, caplog) -> None:
    folder, stored = copied
    path = base_file(folder)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else b"foreign" * 99)
    query = clustered(1, DIM, seed=5)[0]
    with opened(folder) as index:
        assert found(index, query) == exact(stored, query, 10)
        assert any("next sync" in problem for problem in index.verify().problems)
        index.optimise()  # what a sync does at its end
        assert base_file(folder) != path
        assert recall(index, stored, clustered(20, DIM, seed=6)) >= 0.97
        assert index.verify().problems == ()
    assert "damaged" in caplog.text


def test_damaged_codes_show_no_wrong_score_and_verify_finds_them(copied) -> None:
    folder, stored = copied
    path = base_file(folder)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2_000] = b"\xa5" * 2_000
    path.write_bytes(content)
    with opened(folder) as index:
        for row in clustered(10, DIM, seed=7):
            for key, score in index._vectors.search(row, 10):
                assert score == pytest.approx(float(stored[key] @ row), abs=1e-6)
        [problem] = index.verify().problems
        assert "vectors" in problem
        index.optimise("ivf")
        assert index.verify().problems == ()


def test_another_process_notices_the_new_base(copied) -> None:
    folder, stored = copied
    query = clustered(1, DIM, seed=8)[0]
    with opened(folder) as reader, opened(folder) as writer:
        expected = found(reader, query)
        before = base_file(folder)
        writer.optimise("sq8")
        assert base_file(folder) != before
        assert found(reader, query) == expected == exact(stored, query, 10)
        base = reader._vectors._base
        assert base is not None
        assert base.path == base_file(folder)
        writer.optimise("flat")
        assert list(folder.glob("vectors-*")) == []
        assert found(reader, query) == expected


def test_builds_extend_the_base_until_it_has_outgrown_its_lists(copied, monkeypatch) -> None:
    folder, stored = copied
    monkeypatch.setattr("quoth.retrieval.live_vectors._RECENT_MIN", 50)
    with opened(folder) as index:
        for turn, size in enumerate((300, 4_000)):
            rows = clustered(size, DIM, seed=20 + turn)
            stored |= dict(zip(store_document(index, f"new{turn}", rows), rows, strict=True))
            index.remove(f"d{turn:02}")
            for key in [key for key in stored if 100 * turn < key <= 100 * turn + 100]:
                del stored[key]
            index.optimise()
            base = index._vectors._base
            assert base is not None
            assert (base.note.num_trained == MANY) == (turn == 0)
            assert len(base) == len(stored)
            assert recall(index, stored, clustered(20, DIM, seed=9)) >= 0.95
            assert index.verify().problems == ()
            removed = index._store.database.rows("SELECT count(*) FROM removals")
            assert removed == [(0,)]  # nothing needs them any more


def test_size_decides_and_a_sync_builds_in_the_background(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(base_building, "FLAT_MAX", 20)
    monkeypatch.setattr(base_building, "SQ8_MAX", 60)
    docs = write_files(tmp_path / "docs", {f"{n}.txt": f"Number {n} is here." for n in range(40)})
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        index.optimise()  # waits
        base = index._vectors._base
        assert base is not None
        assert base.note.num_lists == 1
        assert index.search("number 7", k=3)[0].passage.text == "Number 7 is here."
        write_files(docs, {f"{n}.txt": f"Number {n} is here." for n in range(40, 90)})
        monkeypatch.setattr("quoth.retrieval.live_vectors._RECENT_MIN", 9)
        index.sync([docs])
        index.optimise()
        base = index._vectors._base
        assert base is not None
        assert base.note.num_lists == 90 // 39
        assert index.search("number 77", k=3)[0].passage.text == "Number 77 is here."
        assert index.verify().problems == ()


def test_searches_and_changes_go_on_while_a_base_is_made(copied) -> None:
    folder, stored = copied
    rows = clustered(60, DIM, seed=30)
    done = threading.Event()

    def search(index: Index) -> int:
        rounds = 0
        while not done.is_set():
            assert all(len(found(index, row)) == 10 for row in rows[:3])
            rounds += 1
        return rounds

    with opened(folder) as index, opened(folder) as other, ThreadPoolExecutor() as threads:
        searching = [threads.submit(search, one) for one in (index, other)]
        building = threads.submit(index.optimise, "ivf")
        for turn in range(12):
            other.remove(f"d{turn:02}")
            part = rows[5 * turn : 5 * turn + 5]
            stored |= dict(zip(store_document(other, f"new{turn}", part), part, strict=True))
        building.result()
        done.set()
        assert all(each.result() for each in searching)
        stored = {key: row for key, row in stored.items() if key > 1_200}
        for one in (index, other):
            assert one.verify().problems == ()
            assert [found(one, row, 3) for row in rows] == [exact(stored, row, 3) for row in rows]


def test_one_process_builds_at_a_time(copied) -> None:
    folder, _ = copied
    with opened(folder) as index, writer_lock(folder, 0, BUILDER_LOCK):
        with pytest.raises(IndexBusyError):
            index.optimise("sq8")
        index.optimise()  # nothing is due
    assert len(list(folder.glob("vectors-*"))) == 1


def test_what_a_killed_build_left_goes_with_the_next_sync(copied, tmp_path: Path) -> None:
    folder, _ = copied
    used = base_file(folder)
    left = [folder / "vectors-0123456789abcdef.faiss.77.tmp", folder / "vectors-77.faiss"]
    for path in left:
        path.write_bytes(b"vectors")
    (tmp_path / "docs").mkdir()
    with opened(folder) as index:
        with writer_lock(folder, 0, BUILDER_LOCK):  # they may be those of somebody at work
            index.sync([tmp_path / "docs"])
            assert all(path.exists() for path in left)
        index.sync([tmp_path / "docs"])
    assert list(folder.glob("vectors-*")) == [used]


def test_an_index_from_before_the_log_of_removals_opens(tmp_path: Path) -> None:
    rows = clustered(30, DIM)
    with empty_index(tmp_path / "index", DIM) as index:
        ids = store_document(index, "a", rows)
        save(index)
    connection = sqlite3.connect(tmp_path / "index" / "index.sqlite3")
    with connection:
        connection.execute("DROP TRIGGER passage_removed")
        connection.execute("DROP TABLE removals")
        connection.execute("DELETE FROM state WHERE key <> 'generation'")
        connection.execute("DELETE FROM migrations WHERE name LIKE '%removals'")
        connection.execute("DELETE FROM passages WHERE id = ?", (ids[0],))
        connection.execute("UPDATE state SET value = value + 1")
    connection.close()
    stored = dict(zip(ids[1:], rows[1:], strict=True))
    with opened(tmp_path / "index") as index:
        assert found(index, rows[0]) == exact(stored, rows[0], 10)
        index.remove("a")
        assert found(index, rows[0]) == []


def test_a_reader_that_slept_through_a_shortened_log_reads_anew(copied, monkeypatch) -> None:
    folder, stored = copied
    monkeypatch.setattr("quoth.retrieval.stored_vectors._KEPT_REMOVALS", 10)
    with opened(folder) as reader, opened(folder) as writer:
        writer.optimise("flat")
        query = clustered(1, DIM, seed=11)[0]
        assert found(reader, query)
        for turn in range(5):
            writer.remove(f"d{turn:02}")
        assert len(writer._store.vectors.removed_since(0)) <= 200
        stored = {key: row for key, row in stored.items() if key > 500}
        assert found(reader, query) == exact(stored, query, 10)
        assert reader.verify().problems == ()


class AnySequence(RuleBasedStateMachine):
    """Whatever is added, deleted, rebuilt and opened again: search equals a look at everything."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.place = tempfile.TemporaryDirectory()
        self.index = empty_index(Path(self.place.name) / "index", DIM)
        self.held: dict[str, dict[int, np.ndarray]] = {}
        self.rows = clustered(40, DIM, seed=12, centres=5)

    @rule(name=st.sampled_from("abcd"), picked=st.lists(st.integers(0, 39), max_size=30))
    def put(self, name: str, picked: list[int]) -> None:
        rows = self.rows[picked].reshape(-1, DIM)  # some are equal
        self.held[name] = dict(zip(store_document(self.index, name, rows), rows, strict=True))

    @rule(name=st.sampled_from("abcd"))
    def remove(self, name: str) -> None:
        if name in self.held:
            self.index.remove(name)
            del self.held[name]

    @rule(kind=st.sampled_from(["auto", "flat", "sq8", "ivf"]))
    def rebuild(self, kind) -> None:
        self.index.optimise(kind)

    @rule()
    def write(self) -> None:
        save(self.index)

    @rule()
    def open_again(self) -> None:
        self.index.close()
        self.index = opened(self.index.path)

    @rule(query=st.integers(0, 39), k=st.integers(1, 50), name=st.sampled_from("abcd"))
    def filtered(self, query: int, k: int, name: str) -> None:
        some = self.held.get(name, {})
        allowed = np.asarray(sorted(some), dtype=np.int64)
        assert found(self.index, self.rows[query], k, allowed) == exact(some, self.rows[query], k)

    @rule()
    def verified(self) -> None:
        problems = [each for each in self.index.verify().problems if "white space" not in each]
        assert all("next sync" in each for each in problems), problems

    @invariant()
    def finds_all(self) -> None:
        everything = {key: row for one in self.held.values() for key, row in one.items()}
        for query in (0, 17):
            row = self.rows[query]
            assert found(self.index, row, 25) == exact(everything, row, 25)

    def teardown(self) -> None:
        self.index.close()
        self.place.cleanup()


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
