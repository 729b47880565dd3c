"""What every embedder promises."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from quoth.retrieval import Embedder, HashingEmbedder, load_embedder

TEXTS = ["The cat sat on the mat.", "A cat is sitting on a mat.", "Stock prices fell sharply."]


@pytest.fixture(scope="module", params=["all-MiniLM-L6-v2", "hashing"])
def embedder(request) -> Embedder:
    return load_embedder(request.param)


def test_vectors_have_unit_length_and_the_told_shape(embedder: Embedder) -> None:
    vectors = embedder.embed([*TEXTS, "", "word " * 5000, "\u202e🙂"])
    assert vectors.shape == (6, embedder.dim)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-4)


def test_no_text_gives_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dim)


def test_like_texts_are_nearer_than_others(embedder: Embedder) -> None:
    cat, other_cat, stocks = embedder.embed(TEXTS)
    assert cat @ other_cat > cat @ stocks


def test_the_company_of_a_text_does_not_change_its_vector(embedder: Embedder) -> None:
    alone = embedder.embed(TEXTS[:1])[0]
    together = embedder.embed(["long " * 200, TEXTS[0], *TEXTS * 3])[1]
    assert alone @ together == pytest.approx(1, abs=1e-4)


def test_a_question_has_a_vector_like_the_passage_that_answers_it(embedder: Embedder) -> None:
    vector = embedder.embed_query("Where did the cat sit?")
    assert vector.shape == (embedder.dim,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)
    cat, _, stocks = embedder.embed(TEXTS)
    assert vector @ cat > vector @ stocks


def test_several_threads_get_their_own_vectors(embedder: Embedder) -> None:
    texts = [f"{word} " * n for n, word in enumerate(["red", "green", "blue", "pink"] * 3, start=1)]
    expected = [embedder.embed([text])[0] for text in texts]
    with ThreadPoolExecutor(4) as pool:
        queries = pool.map(embedder.embed_query, texts)
        passages = pool.map(lambda text: embedder.embed([text] * 3)[2], texts)
        for given in (queries, passages):
            for vector, right in zip(given, expected, strict=True):
                assert vector @ right == pytest.approx(1, abs=1e-4)


def test_progress_ends_with_all_done(embedder: Embedder) -> None:
    told = []

    def progress(done: int, total: int, what: str) -> None:
        told.append((done, total))

    embedder.embed(["word"] * 300, progress=progress)
    assert told[-1] == (300, 300)
    assert told == sorted(told)


def test_hashing_is_the_same_everywhere() -> None:
    """An index that one machine made opens on another, so these numbers must never change."""
    vector = HashingEmbedder(dim=8).embed(["a"])[0]
    assert vector.tolist() == pytest.approx([0, 1, 0, 0, 0, 0, 0, 0], abs=1e-6)
    assert HashingEmbedder(dim=8).id != HashingEmbedder().id
