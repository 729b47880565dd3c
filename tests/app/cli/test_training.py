"""The training command's own part: the product's ranking, and what it says about missing data."""

from quoth.app.cli import run
from quoth.app.cli.training import EmbeddingRanker
from quoth.retrieval import HashingEmbedder


def test_passages_are_ranked_by_similarity_to_the_question():
    ranker = EmbeddingRanker(HashingEmbedder())
    passages = ["foxes run in the woods", "ravens fly over the cliffs", "ships sail at night"]
    ranked = ranker(["where do ravens fly", "when do ships sail"], passages, [[0, 1, 2], [0, 2]])
    assert ranked[0][0] == 1
    assert ranked[1] == [2, 0]


def test_missing_training_data_is_named(tmp_path, capsys):
    command = ["train", "mini", "--qa", str(tmp_path), "--text", "x", "--output", str(tmp_path)]
    assert run(command) == 2
    assert "extractive_qa.jsonl.gz" in capsys.readouterr().err
