"""Batches of the embedder: full, with little padding, and of no effect on the vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.retrieval import load_embedder
from quoth.retrieval.embedding import batches_by_length

WORDS = "profit margin of the company rose in fiscal year 2019 to 1,234 million"


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(1, 1000))
def test_batches_hold_every_text_once_and_no_more_than_they_may(lengths, tokens) -> None:
    batches = list(batches_by_length(lengths, tokens))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or longest * len(batch) <= tokens
    longest_first = [lengths[place] for batch in batches for place in batch]
    assert longest_first == sorted(lengths, reverse=True)


def test_neither_batches_nor_their_precision_change_a_vector() -> None:
    embedder = load_embedder()
    words = WORDS.split()
    texts = [" ".join((words * 20)[shift : shift + 5 + 9 * shift]) for shift in range(16)]
    together = embedder.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert embedder.embed([text])[0] @ vector > 0.9999
        assert embedder.embed_query(text) @ vector > 0.9999  # a question is read in float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(16), abs=1e-5)
