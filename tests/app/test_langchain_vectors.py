"""An index on a LangChain store finds what it finds with FAISS, whatever happens to the store."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("langchain_core")
pytest.importorskip("langchain_qdrant")

from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

from helpers.folders import write_files
from helpers.langchain_stores import as_vectors, held_passages, memory_store, qdrant_store
from quoth.errors import ConfigError, IndexFailure
from quoth.retrieval import HashingEmbedder, Index

DRAW = random.Random(3)
WORDS = [
    "apple",
    "banana",
    "cherry",
    "date",
    "elder",
    "fig",
    "grape",
    "hop",
    "iris",
    "jasmine",
    "kale",
    "lemon",
]
FILES = {f"{n}.txt": " ".join(DRAW.choices(WORDS, k=7 + 3 * n)).capitalize() for n in range(10)}
DENSE: dict[str, Any] = {"mode": "dense"}
QUERIES = ("cherry jam", "grape and elder", "where is the fig?", "hop iris jasmine apple")


@pytest.fixture(params=["memory", "qdrant in memory", "qdrant on disk"])
def store(request, tmp_path: Path):
    if request.param == "memory":
        yield memory_store()
        return
    made = qdrant_store(tmp_path / "qdrant" if "disk" in request.param else None)
    yield made
    made.client.close()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_files(tmp_path / "docs", FILES)


def open_index(tmp_path: Path, store, **options) -> Index:
    vectors = as_vectors(store, **options)
    return Index.open_or_create(tmp_path / "index", embedder=HashingEmbedder(), vectors=vectors)


def assert_as_with_faiss(index: Index) -> None:
    with Index.open(index.path, embedder=HashingEmbedder()) as exact:
        for query in QUERIES:
            found, expected = index.search(query, k=4, **DENSE), exact.search(query, k=4, **DENSE)
            assert [hit.passage for hit in found] == [hit.passage for hit in expected]
            scores = [hit.score for hit in expected]
            assert [hit.score for hit in found] == pytest.approx(scores, abs=1e-6)


def assert_level(index: Index, store) -> None:
    assert held_passages(store) == index._store.vectors.ids().tolist()
    assert [each for each in index.verify().problems if "langchain" in each] == []
    assert_as_with_faiss(index)


def test_what_is_added_changed_and_deleted_is_so_in_the_store(tmp_path, store, docs) -> None:
    with open_index(tmp_path, store) as index:
        assert index.search("anything") == []
        index.sync([docs])
        assert len(held_passages(store)) == len(FILES)
        assert_level(index, store)
        write_files(docs, {"2.txt": "The cherimoya is number 2.", "10.txt": "The kiwi."})
        (docs / "6.txt").unlink()
        index.sync([docs])
        assert_level(index, store)
        index.remove(index.documents()[0].document_id)
        assert_level(index, store)
    with open_index(tmp_path, store) as index:
        assert_level(index, store)


@pytest.mark.parametrize("filtering", [True, False])
def test_filters_hold_inside_the_search(tmp_path, store, docs, filtering: bool) -> None:
    for n in range(30):  # nearer to the query than what is allowed
        write_files(docs, {f"more{n}.txt": f"Grape grape grape {n}."})
    with open_index(tmp_path, store, filtering=filtering) as index:
        index.sync([docs])
        wanted = [one for one in index.documents() if one.document in FILES]
        passages = [each.id for one in wanted for each in index._store.passages.of(one.document_id)]
        among = np.sort(np.asarray(passages, dtype=np.int64))
        query = HashingEmbedder().embed_query("grape")
        found = index._vectors.search(query, 5, among)
        with Index.open(index.path, embedder=HashingEmbedder()) as exact:
            expected = exact._vectors.search(query, 5, among)
        assert [key for key, _ in found] == [key for key, _ in expected]
        assert len(index._vectors.search(query, 99, among)) == len(FILES)
        assert index._vectors.search(query, 5, among[:0]) == []


def test_a_store_that_was_emptied_is_filled_again(tmp_path, docs) -> None:
    with open_index(tmp_path, memory_store()) as index:
        index.sync([docs])
    empty = memory_store()
    with open_index(tmp_path, empty) as index:
        assert_as_with_faiss(index)  # from the database
        assert "has lost 10 passages" in " ".join(index.verify().problems)
        assert index.sync([docs]).unchanged == len(FILES)
        assert_level(index, empty)


def test_single_losses_are_found_by_verify(tmp_path, docs) -> None:
    store = memory_store()
    with open_index(tmp_path, store) as index:
        index.sync([docs])
        gone = [key for key, row in store.store.items() if row["metadata"]["passage_id"] == 4]
        store.delete(gone)
        assert "has lost 1 passages" in " ".join(index.verify().problems)
        assert_as_with_faiss(index)
        index.sync([docs])
        assert_level(index, store)


def test_entries_of_others_do_not_count(tmp_path, docs) -> None:
    store = memory_store()
    store.add_texts([f"The cherry {n}" for n in range(50)], [{"passage_id": 1}] * 50)
    with open_index(tmp_path, store) as index:
        index.sync([docs])
        assert_as_with_faiss(index)


def test_a_store_that_is_away_loses_nothing(tmp_path, docs) -> None:
    class Away(InMemoryVectorStore):
        away = True

        def add_texts(self, *arguments, **options):
            if self.away:
                raise ConnectionError("no route to host")
            return super().add_texts(*arguments, **options)

        def similarity_search(self, *arguments, **options):
            if self.away:
                raise ConnectionError("no route to host")
            return super().similarity_search(*arguments, **options)

    store = Away(memory_store().embeddings)
    with open_index(tmp_path, store) as index:
        with pytest.raises(IndexFailure, match="brought up to date: ConnectionError: no route"):
            index.sync([docs])
        with pytest.raises(IndexFailure, match="cannot be searched: ConnectionError"):
            index.search("the cherry")
        assert "lacks 10 passages" in " ".join(index.verify().problems)
        store.away = False
        assert_as_with_faiss(index)
        assert index.sync([docs]).unchanged == len(FILES)
        assert_level(index, store)


def test_a_store_that_embeds_by_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match="IndexEmbeddings"):
        as_vectors(InMemoryVectorStore(DeterministicFakeEmbedding(size=8)))


CHILD = """
import os, signal, sys
from pathlib import Path
from langchain_qdrant import QdrantVectorStore
from helpers.langchain_stores import as_vectors, qdrant_store
from quoth.retrieval import HashingEmbedder, Index

folder, moment = Path(sys.argv[1]), sys.argv[2]

class Deadly(QdrantVectorStore):
    def add_texts(self, *arguments, **options):
        if moment == "before the store has them":
            os.kill(os.getpid(), signal.SIGKILL)
        result = super().add_texts(*arguments, **options)
        if moment == "before that is noted":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def delete(self, *arguments, **options):
        if moment == "before deletion":
            os.kill(os.getpid(), signal.SIGKILL)
        super().delete(*arguments, **options)
        if moment == "after deletion":
            os.kill(os.getpid(), signal.SIGKILL)

vectors = as_vectors(qdrant_store(folder / "qdrant", kind=Deadly))
with Index.open(folder / "index", embedder=HashingEmbedder(), vectors=vectors) as index:
    index.sync([folder / "docs"])
"""

MOMENTS = (
    "before the store has them",
    "before that is noted",
    "before deletion",
    "after deletion",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_between_database_and_store(tmp_path: Path, docs: Path, moment: str) -> None:
    store = qdrant_store(tmp_path / "qdrant")
    with open_index(tmp_path, store) as index:
        index.sync([docs])
    store.client.close()
    write_files(docs, {"1.txt": "The blackberry is number 1.", "new.txt": "The kiwi is new."})
    (docs / "3.txt").unlink()
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), moment],
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    (docs / "new.txt").unlink()  # its vector may be in the store, and nobody knew for sure
    store = qdrant_store(tmp_path / "qdrant")
    with open_index(tmp_path, store) as index:
        assert_as_with_faiss(index)
        index.sync([docs])
        assert_level(index, store)
    store.client.close()
