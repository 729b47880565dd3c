"""What every vector store promises, and FAISS against the oracle."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.numpy_vectors import NumpyVectors
from quoth.retrieval.vectors import DamagedVectorsError, FaissVectors

DIM = 4
# A few vectors with exact products, so that ties are exact and no rounding differs.
CORNERS = np.asarray([[1, 0, 0, 0], [0, 1, 0, 0], [0.5] * 4, [-1, 0, 0, 0]], dtype=np.float32)


@pytest.fixture(params=[FaissVectors, NumpyVectors])
def store(request):
    return request.param(DIM)


def test_an_empty_store_finds_nothing(store) -> None:
    assert store.search(CORNERS[0], 3) == []
    assert store.ids().tolist() == []


def test_best_first_and_no_more_than_there_are(store) -> None:
    store.add([7, 1 << 40, 3], CORNERS[:3])
    assert store.search(CORNERS[0], 10) == [(7, 1.0), (3, 0.5), (1 << 40, 0.0)]
    assert store.search(CORNERS[0], 1) == [(7, 1.0)]


def test_ties_go_to_the_lower_id_however_they_were_added(store) -> None:
    ids = [50, 3, 99, 7, 21, *range(100, 160)]
    store.add(ids, np.repeat(CORNERS[:1], len(ids), axis=0))
    assert [key for key, _ in store.search(CORNERS[0], 3)] == [3, 7, 21]


def test_adding_an_id_again_replaces_it(store) -> None:
    store.add([1, 2], CORNERS[:2])
    store.add([1], CORNERS[3:])
    assert store.search(CORNERS[0], 5) == [(2, 0.0), (1, -1.0)]


def test_removed_ids_are_gone_and_unknown_ones_do_not_matter(store) -> None:
    store.add([1, 2], CORNERS[:2])
    store.remove([1, 5])
    assert store.ids().tolist() == [2]
    assert [key for key, _ in store.search(CORNERS[0], 5)] == [2]


def test_wrong_shapes_and_double_ids_are_refused(store) -> None:
    with pytest.raises(ValueError, match="2 ids"):
        store.add([1, 2], CORNERS[:1])
    with pytest.raises(ValueError, match="twice"):
        store.add([1, 1], CORNERS[:2])


class Congruence(RuleBasedStateMachine):
    """Any sequence of changes leaves FAISS and the oracle with the same answers."""

    def __init__(self) -> None:
        super().__init__()
        self.faiss = FaissVectors(DIM)
        self.oracle = NumpyVectors(DIM)

    @rule(rows=st.dictionaries(st.integers(1, 30), st.sampled_from(range(len(CORNERS)))))
    def add(self, rows: dict[int, int]) -> None:
        for store in (self.faiss, self.oracle):
            store.add(list(rows), CORNERS[list(rows.values())].reshape(-1, DIM))

    @rule(ids=st.lists(st.integers(1, 40)))
    def remove(self, ids: list[int]) -> None:
        for store in (self.faiss, self.oracle):
            store.remove(ids)

    @rule(query=st.sampled_from(range(len(CORNERS))), k=st.integers(1, 35))
    def search(self, query: int, k: int) -> None:
        assert self.faiss.search(CORNERS[query], k) == self.oracle.search(CORNERS[query], k)

    @invariant()
    def same_ids(self) -> None:
        assert self.faiss.ids().tolist() == self.oracle.ids().tolist()


TestCongruence = Congruence.TestCase
TestCongruence.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


def test_random_vectors_rank_as_in_numpy() -> None:
    draw = np.random.default_rng(5)
    rows = draw.standard_normal((500, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    faiss, oracle = FaissVectors(64), NumpyVectors(64)
    for one in (faiss, oracle):
        one.add(range(500), rows)
    for query in rows[::50]:
        found, expected = faiss.search(query, 10), oracle.search(query, 10)
        assert [key for key, _ in found] == [key for key, _ in expected]
        assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-5)


def saved(path, generation: int = 3) -> FaissVectors:
    vectors = FaissVectors(DIM)
    vectors.add([5, 6], CORNERS[:2])
    vectors.save(path, owner="index-a", generation=generation)
    return vectors


def test_a_saved_store_comes_back(tmp_path) -> None:
    path = tmp_path / "v.faiss"
    saved(path)
    store, generation = FaissVectors.load(path, dim=DIM, owner="index-a", newest=3)
    assert generation == 3
    assert store.search(CORNERS[0], 2) == [(5, 1.0), (6, 0.0)]
    assert store.vectors([6, 5]).tolist() == CORNERS[[1, 0]].tolist()
    store.remove([5])
    assert store.ids().tolist() == [6]
    assert [entry.name for entry in tmp_path.iterdir()] == ["v.faiss"]


def test_any_changed_byte_is_noticed(tmp_path) -> None:
    path = tmp_path / "v.faiss"
    saved(path)
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 0x55
        path.write_bytes(changed)
        with pytest.raises(DamagedVectorsError):
            FaissVectors.load(path, dim=DIM, owner="index-a", newest=3)


@pytest.mark.parametrize("length", [0, 1, 79, 80, 100])
def test_a_cut_off_file_is_noticed(tmp_path, length: int) -> None:
    path = tmp_path / "v.faiss"
    saved(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedVectorsError):
        FaissVectors.load(path, dim=DIM, owner="index-a", newest=3)


def test_a_file_of_another_index_or_of_a_lost_future_is_not_used(tmp_path) -> None:
    path = tmp_path / "v.faiss"
    saved(path)
    with pytest.raises(DamagedVectorsError, match="another index"):
        FaissVectors.load(path, dim=DIM, owner="index-b", newest=3)
    with pytest.raises(DamagedVectorsError, match="version 3, the database of 2"):
        FaissVectors.load(path, dim=DIM, owner="index-a", newest=2)
