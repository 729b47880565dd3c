"""A cross-encoder orders the hits anew."""

from pathlib import Path

import pytest

from helpers.folders import write_files
from quoth.errors import ModelLoadError
from quoth.retrieval import HashingEmbedder, Index, SearchOptions
from quoth.retrieval.rerank import CrossEncoderReranker

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "owl", "raven", "hunts", "flies", "sleeps"]


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder of random weights, in a folder."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path_factory.mktemp("cross-encoder")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64, num_labels=1, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_hits_come_in_the_order_of_the_reranker(tmp_path: Path, cross_encoder: Path) -> None:
    files = {f"{n}.txt": text for n, text in enumerate(
        ["The owl hunts.", "The raven flies.", "The owl sleeps.", "The raven sleeps, hunts."]
    )}  # fmt: skip
    docs = write_files(tmp_path / "docs", files)
    options = SearchOptions(rerank=str(cross_encoder), rerank_depth=2)
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        plain = index.search("owl hunts", k=4)
        hits = index.search("owl hunts", k=4, options=options)
        top = index.search("owl hunts", k=1, options=options)
    texts = [f"{hit.passage.heading}\n{hit.passage.text}".strip() for hit in plain]
    scores = CrossEncoderReranker(str(cross_encoder)).scores("owl hunts", texts)
    expected = dict(zip([hit.passage.id for hit in plain], scores, strict=True))
    assert {hit.passage.id: pytest.approx(hit.score, abs=1e-4) for hit in hits} == expected
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert top[0].passage.id == max([h.passage.id for h in plain[:2]], key=expected.__getitem__)


def test_a_reranker_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="reranker"):
        CrossEncoderReranker(str(tmp_path / "none"))
