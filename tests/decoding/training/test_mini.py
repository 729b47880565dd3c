"""The recipe on a toy: it can be interrupted, it copies from the start, and it learns."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers.made_corpus import rank_by_shared_words, write_corpus
from quoth.decoding.training import MiniRecipe, TrainingReport, train_mini
from quoth.decoding.training.curriculum import Stage
from quoth.decoding.training.tasks import TaskShape

_SHORT = TaskShape(max_passages=2, max_chars=200)
_FEW_STEPS = replace(
    MiniRecipe.tiny(),
    stages=(Stage(steps=4, examples=4, shape=_SHORT),),
    warmup_steps=2,
    save_every=2,
    num_evaluated=4,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


def _train(recipe: MiniRecipe, corpus: Path, output: Path, **more: object) -> TrainingReport:
    return train_mini(
        recipe,
        qa_dir=corpus,
        text_path=corpus / "corpus.jsonl",
        output_dir=output,
        rank=rank_by_shared_words,
        **more,
    )


class _StoppedError(Exception):
    """Raised by a test in the middle of a run."""


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = replace(_FEW_STEPS, stages=(Stage(steps=12, examples=4, shape=_SHORT),), save_every=5)
    _train(whole, corpus, tmp_path / "whole")

    def stop_at_ten(step: int, steps: int, measured: dict[str, float]) -> None:
        if step == 10 and "loss" in measured:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        _train(whole, corpus, tmp_path / "parts", progress=stop_at_ten)
    _train(whole, corpus, tmp_path / "parts")
    weights = [
        load_file(tmp_path / name / "state" / "state.safetensors") for name in ("whole", "parts")
    ]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_the_report_names_a_model_that_plain_transformers_loads(
    corpus: Path, tmp_path: Path
) -> None:
    report = _train(_FEW_STEPS, corpus, tmp_path)
    model = AutoModelForCausalLM.from_pretrained(report.model_dir)
    tokenizer = AutoTokenizer.from_pretrained(report.model_dir)
    assert model.dtype == torch.bfloat16
    assert model.config.max_position_embeddings >= 2048
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert report.steps == 4
    assert 1 <= report.ranked.num_questions <= 4


@pytest.mark.parametrize("change", [{"layers": 4}, {"heads": 4}, {"head_size": 32}])
def test_shapes_without_room_for_the_circuits_are_refused(
    corpus: Path, tmp_path: Path, change: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="circuits need"):
        _train(replace(_FEW_STEPS, **change), corpus, tmp_path)


@pytest.mark.parametrize("change", [{"head_size": 47}, {"width": 190}, {"relevance_layer": 0}])
def test_impossible_recipes_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"head size|width|layer"):
        replace(MiniRecipe.tiny(), **change)


def test_presets_stay_within_their_sizes() -> None:
    sizes = {}
    for name in ("tiny", "cpu", "gpu"):
        recipe: MiniRecipe = getattr(MiniRecipe, name)()
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(recipe.config())
        sizes[name] = sum(parameter.numel() for parameter in model.parameters())
    assert sizes["tiny"] < 3e6 < sizes["cpu"] < 20e6 < sizes["gpu"] <= 30e6


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    recipe = MiniRecipe.cpu()
    rates = [recipe.rate(step) for step in range(recipe.steps - recipe.polish_steps)]
    assert max(rates) == recipe.learning_rate
    assert rates[0] < rates[recipe.warmup_steps // 2] < rates[recipe.warmup_steps]
    assert rates[-1] < recipe.learning_rate / 100


def test_the_last_steps_rise_once_more_and_fall_again() -> None:
    recipe = replace(MiniRecipe.tiny(), polish_steps=20, polish_rate=1e-4)
    rates = [recipe.rate(step) for step in range(recipe.steps)]
    assert rates[-21] < rates[-20] == recipe.polish_rate
    assert rates[-20:] == sorted(rates[-20:], reverse=True)
    assert rates[-1] == pytest.approx(recipe.polish_rate / 20)


@pytest.mark.slow
def test_a_toy_learns_to_quote_within_a_minute(corpus: Path, tmp_path: Path) -> None:
    before = _train(replace(_FEW_STEPS, num_evaluated=24), corpus, tmp_path / "before")
    after = _train(replace(MiniRecipe.tiny(), num_evaluated=24), corpus, tmp_path / "after")
    assert after.ranked.verbatim_chars > before.ranked.verbatim_chars
    assert after.ranked.verbatim_chars > 0.7  # 0.79 was seen: sums are rounded in many ways
