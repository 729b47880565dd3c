"""The yardsticks of the retrieval benches."""

import math
from pathlib import Path

import numpy as np

from finding.cached_embedder import CachedEmbedder
from finding.plain_bm25 import PlainBm25
from helpers.folders import CountingEmbedder


def test_plain_bm25_is_the_formula() -> None:
    bm25 = PlainBm25(["red apple apple", "green pear", "red pear tree of the garden"])
    assert bm25.search("Apple!", 5) == [0]
    assert bm25.search("pear", 5) == [1, 2]  # the shorter text first
    assert bm25.search("the of", 5) == []
    assert bm25.search("red pear", 1) == [2]
    weight = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    norm = 1 - 0.75 + 0.75 * 3 / 3
    assert bm25.scores("apple")[0] == weight * 2 * 2.2 / (2 + 1.2 * norm)


def test_a_cached_embedder_reads_a_text_once_and_gives_what_the_embedder_gives(
    tmp_path: Path,
) -> None:
    embedder = CountingEmbedder()
    texts = ["one", "two", "one"]
    for _ in range(2):
        cached = CachedEmbedder(embedder, tmp_path / "vectors")
        vectors = cached.embed(texts)
        assert np.array_equal(vectors, CountingEmbedder().embed(texts))
    assert embedder.read == ["one", "two"]
