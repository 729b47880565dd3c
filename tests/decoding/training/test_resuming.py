"""A run's folder: whole whenever a run was stopped, and refused where it is of another run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import NemotronForCausalLM

from helpers import small_run
from helpers.made_corpus import rank_by_shared_words
from quoth.decoding.training.checkpoints import Place, load_weights, save_state
from quoth.decoding.training.initialise import mini_config
from quoth.decoding.training.material import Material, load_material
from quoth.decoding.training.neighbours import find_neighbours
from quoth.decoding.training.phases import DISTILLATION, JOINT
from quoth.decoding.training.tokenizer import kept_tokenizer
from quoth.errors import InputError

_STATE = "state.safetensors"
_WRITTEN = 2000  # bytes


@contextmanager
def _files_cut_off() -> Iterator[None]:
    """Writing fails behind the first bytes of a file, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_WRITTEN, before[1]))
    try:
        with pytest.raises(Exception, match=r"File too large|requested and \d+ written"):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _model(blocks: int, vocab_size: int = 300) -> NemotronForCausalLM:
    return NemotronForCausalLM(mini_config(vocab_size, blocks=blocks))


def test_ranked_questions_that_were_cut_off_are_ranked_again(
    corpus_folder: Path, tmp_path: Path, material: Material
) -> None:
    def load() -> Material:
        return load_material(
            corpus_folder / "extractive_qa.jsonl.gz",
            corpus_folder / "corpus.jsonl",
            tmp_path / "ranked.json",
            rank=rank_by_shared_words,
            held_out_share=0.3,
            seed=0,
        )

    with _files_cut_off():
        load()
    assert load().questions == material.questions


def test_vectors_that_were_cut_off_are_made_again(tmp_path: Path) -> None:
    texts, path = [f"passage {number}" for number in range(100)], tmp_path / "passages.npz"
    with _files_cut_off():
        find_neighbours(texts, rank_by_shared_words, path)
    again = find_neighbours(texts, rank_by_shared_words, path)
    kept = find_neighbours(texts, rank_by_shared_words, path)
    assert np.array_equal(again.numbers, kept.numbers)


def test_a_tokenizer_that_was_cut_off_is_trained_again(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "tokenizer"
    with _files_cut_off():
        kept_tokenizer(folder, ["Ravens sing."], vocab_size=300)
    made = kept_tokenizer(folder, ["Ravens sing."], vocab_size=300)
    kept = kept_tokenizer(folder, [], vocab_size=300)
    assert made.get_vocab() == kept.get_vocab()


@pytest.mark.parametrize("metadata", [None, {"step": "40"}, {"phase": "healing", "step": "40"}])
def test_a_state_of_an_older_recipe_is_refused_at_once(
    corpus_folder: Path, tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    (tmp_path / "state").mkdir()
    save_file({"model.norm": torch.ones(2)}, tmp_path / "state" / _STATE, metadata=metadata)
    before = _snapshot(tmp_path)
    with pytest.raises(InputError, match=r"state\.safetensors.* another recipe.* another folder"):
        small_run.run(small_run.few_steps(), corpus_folder, tmp_path)
    assert _snapshot(tmp_path) == before


@pytest.mark.parametrize(("saved", "asked"), [(1, 2), (2, 1)])
def test_a_state_of_another_preset_is_refused_at_once(
    corpus_folder: Path, tmp_path: Path, saved: int, asked: int
) -> None:
    save_state(tmp_path / "state", Place(phase=DISTILLATION, step=1), _model(saved))
    before = _snapshot(tmp_path)
    with pytest.raises(InputError, match=r"state\.safetensors.* another recipe.* another folder"):
        small_run.run(small_run.few_steps(blocks=asked), corpus_folder, tmp_path)
    assert _snapshot(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"cut off", b"\xff" * 4000])
def test_a_damaged_state_is_refused_at_once(
    corpus_folder: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / _STATE).write_bytes(content)
    before = _snapshot(tmp_path)
    with pytest.raises(InputError, match=r"state\.safetensors.* damaged.* another folder"):
        small_run.run(small_run.few_steps(), corpus_folder, tmp_path)
    assert _snapshot(tmp_path) == before


def test_a_state_without_a_number_of_steps_is_refused_at_once(
    corpus_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    saved = {"phase": JOINT, "step": "many"}
    save_file({"weight": torch.ones(1)}, tmp_path / "state" / _STATE, metadata=saved)
    with pytest.raises(InputError, match=r"does not tell in which phase and step"):
        small_run.run(small_run.few_steps(), corpus_folder, tmp_path)


@pytest.mark.parametrize("place", [Place(phase=DISTILLATION, step=4), Place(phase=JOINT, step=5)])
def test_a_state_behind_the_last_step_is_refused(
    corpus_folder: Path, tmp_path: Path, place: Place
) -> None:
    save_state(tmp_path / "state", place, _model(1))
    with pytest.raises(InputError, match=rf"step {place.step} of {place.step - 1}\b"):
        small_run.run(small_run.few_steps(), corpus_folder, tmp_path)


def test_weights_for_another_vocabulary_are_refused(tmp_path: Path) -> None:
    save_state(tmp_path, Place(phase=JOINT, step=0), _model(1, vocab_size=300))
    with pytest.raises(InputError, match=r"embed_tokens.*300.*310"):
        load_weights(tmp_path, _model(1, vocab_size=310))


def test_ranked_questions_of_another_version_are_refused(
    corpus_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "ranked.json").write_text('{"questions": [{"question": "Who?"}]}')
    before = _snapshot(tmp_path)
    with pytest.raises(InputError, match=r"ranked\.json.* another version"):
        small_run.run(small_run.few_steps(), corpus_folder, tmp_path)
    assert _snapshot(tmp_path).items() >= before.items()


def test_too_many_processes_are_refused_before_anything_is_loaded(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="cannot be shared by 2 processes"):
        small_run.run(small_run.few_steps(streams=3), corpus_folder, tmp_path)
    assert not list(tmp_path.iterdir())
