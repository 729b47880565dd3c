"""A store that fails, forgets and holds what is not ours never changes what is found."""

import tempfile
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("langchain_core")

from langchain_core.vectorstores import InMemoryVectorStore

from helpers.folders import write_files
from helpers.langchain_stores import as_vectors, held_passages
from quoth.app.langchain_vectors import IndexEmbeddings
from quoth.errors import IndexFailure
from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.loaders import load
from quoth.retrieval.preparing import LocalPreparer, Recipe

WORDS = ["apple", "banana", "cherry", "date", "elder", "fig", "grape", "hop", "iris"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)
FOLDERS = st.dictionaries(st.sampled_from([f"{n}.txt" for n in range(8)]), TEXTS)
FAULTS = st.sampled_from(["", "add", "delete", "after add"])
STEPS = st.lists(st.tuples(FOLDERS, FAULTS), max_size=4)


class Moody(InMemoryVectorStore):
    """Fails at what `fails_at` names."""

    fails_at = ""

    def add_texts(self, *arguments, **options):
        self._fail("add")
        added = super().add_texts(*arguments, **options)
        self._fail("after add")
        return added

    def delete(self, *arguments, **options):
        self._fail("delete")
        super().delete(*arguments, **options)

    def _fail(self, place: str) -> None:
        if place == self.fails_at:
            raise ConnectionError(place)


def locally(embedder, recipe: Recipe):
    return nullcontext(LocalPreparer(embedder, recipe, partial(load, limits=recipe.limits)))


def found(index: Index, query: str) -> list[tuple[int, float]]:
    vector = HashingEmbedder().embed_query(query)
    return [(key, round(score, 5)) for key, score in index._vectors.search(vector, 3)]


def check(index: Index) -> None:
    """FAISS may put equals at the border in another order: they must score the same."""
    with Index.open(index.path, embedder=HashingEmbedder()) as exact:
        ids = set(exact._store.vectors.ids().tolist())
        for query in WORDS:
            ours, theirs = found(index, query), found(exact, query)
            assert [score for _, score in ours] == pytest.approx(
                [score for _, score in theirs], abs=2e-5
            )
            assert {key for key, _ in ours} <= ids


@settings(deadline=None, max_examples=10)
@given(steps=STEPS, draw=st.randoms(use_true_random=False))
def test_the_best_passages_are_found_and_in_the_end_the_store_is_level(
    steps: list[tuple[dict[str, str], str]], draw: Random
) -> None:
    store = Moody(IndexEmbeddings(HashingEmbedder()))
    with tempfile.TemporaryDirectory() as name:
        docs, folder = Path(name) / "docs", Path(name) / "index"
        docs.mkdir()
        for files, store.fails_at in [*steps, (steps[-1][0] if steps else {}, "")]:
            for path in docs.iterdir():
                path.unlink()
            write_files(docs, files)
            lost = [key for key in store.store if draw.random() < 0.2]
            for key in lost:
                del store.store[key]
            with Index.open_or_create(
                folder, embedder=HashingEmbedder(), vectors=as_vectors(store)
            ) as index:
                index.verify()  # finds what was lost
                check(index)
                with suppress(IndexFailure):
                    index.sync([docs], preparer=locally)
                check(index)
        assert held_passages(store) == sorted(index_ids(folder))


def index_ids(folder: Path) -> list[int]:
    with Index.open(folder, embedder=None) as index:
        return index._store.vectors.ids().tolist()
