"""What several tests of training read, made once: a small corpus, and material from it."""

from pathlib import Path

import pytest

from helpers.made_corpus import rank_by_shared_words, write_corpus
from quoth.decoding.training.material import Material, load_material


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``extractive_qa.jsonl.gz`` and ``corpus.jsonl``; nothing else is to be written here."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


@pytest.fixture(scope="session")
def material(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Frozen, and draws by the caller's generator: tests cannot disturb each other."""
    return load_material(
        corpus_folder / "extractive_qa.jsonl.gz",
        corpus_folder / "corpus.jsonl",
        tmp_path_factory.mktemp("material") / "ranked.json",
        rank=rank_by_shared_words,
        held_out_share=0.3,
        seed=0,
    )
