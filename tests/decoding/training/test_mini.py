"""The recipe on a toy: it can be interrupted, shared, exported, and it learns."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, NemotronForCausalLM

from helpers import small_run
from quoth.decoding.training import MiniRecipe, TrainingReport
from quoth.decoding.training.checkpoints import load_weights
from quoth.decoding.training.initialise import mini_config
from quoth.decoding.training.processes import Processes
from quoth.decoding.training.prompts import question_message
from quoth.decoding.training.recipe import Distillation
from quoth.decoding.training.subspaces import COPIES, POINTED
from quoth.errors import InputError

_TURNING = 16  # dimensions of a head that turn with the position


@pytest.fixture(scope="module")
def report(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    torch.set_num_threads(1)
    finished = small_run.run(
        small_run.few_steps(), corpus_folder, tmp_path_factory.mktemp("unbroken")
    )
    assert finished is not None
    return finished


def _state(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "state" / "state.safetensors")


class _StoppedError(Exception):
    """Raised by a test in the middle of a run."""


@pytest.mark.slow
def test_a_run_stopped_in_both_phases_ends_with_the_same_weights(
    corpus_folder: Path, tmp_path: Path, report: TrainingReport
) -> None:
    for last in (2, 6):  # the second of distillation, which is saved; the third of joint training

        def stop(step: int, _steps: int, _measured: dict[str, float], last: int = last) -> None:
            if step == last:
                raise _StoppedError

        with pytest.raises(_StoppedError):
            small_run.run(small_run.few_steps(), corpus_folder, tmp_path, progress=stop)
    resumed = small_run.run(small_run.few_steps(), corpus_folder, tmp_path)
    unbroken, parts = _state(report.model_dir.parent), _state(tmp_path)
    assert unbroken.keys() == parts.keys()
    for name, value in unbroken.items():
        assert torch.equal(value, parts[name]), name
    assert resumed is not None
    assert (resumed.ranked, resumed.pointed) == (report.ranked, report.pointed)


def test_plain_transformers_loads_the_model_and_generates_the_same(report: TrainingReport) -> None:
    model = AutoModelForCausalLM.from_pretrained(report.model_dir)
    tokenizer = AutoTokenizer.from_pretrained(report.model_dir)
    assert isinstance(model, NemotronForCausalLM)
    assert model.dtype == torch.bfloat16
    assert model.config.max_position_embeddings >= 2048
    assert model.config.pad_token_id == model.generation_config.pad_token_id
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    trained = NemotronForCausalLM(mini_config(len(tokenizer), blocks=1))
    load_weights(report.model_dir.parent / "state", trained)
    message = {"role": "user", "content": question_message("Who sings?", ["Ravens sing. So?"])}
    prompt = tokenizer.apply_chat_template(
        [message], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = [
        each.eval().generate(
            **prompt,
            max_new_tokens=12,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        for each in (model, trained.bfloat16())
    ]
    assert torch.equal(*said)


def test_the_report_counts_what_was_done(report: TrainingReport) -> None:
    assert report.steps == 7
    assert 0 < report.tokens <= 7 * 384
    assert 1 <= report.ranked.num_questions <= 2
    assert set(report.pointed) == {"ranked", "technical", "turns"}
    assert report.pointed["turns"].turn is not None
    for scores in report.pointed.values():
        assert all(0 <= value <= 1 for value in scores.measured().values())


def test_heads_with_pointers_have_nothing_in_what_turns(report: TrainingReport) -> None:
    """Their losses leave turning out; of the copying head that is said to be near enough."""
    state = _state(report.model_dir.parent)
    prefix = "model.model.layers.1.self_attn"
    for projection in ("q_proj", "k_proj"):
        weight = state[f"{prefix}.{projection}.weight"].unflatten(0, (-1, 48))
        bias = state[f"{prefix}.{projection}.bias"].unflatten(0, (-1, 48))
        for head in set(POINTED) - set(COPIES):
            assert not weight[head, :_TURNING].any()
            assert not bias[head, :_TURNING].any()


def test_a_finished_run_started_again_is_only_measured_again(
    corpus_folder: Path, report: TrainingReport
) -> None:
    folder = report.model_dir.parent
    before = _state(folder)
    again = small_run.run(small_run.few_steps(), corpus_folder, folder)
    assert again is not None
    assert again.tokens == 0
    assert again.ranked == report.ranked
    assert all(torch.equal(value, before[name]) for name, value in _state(folder).items())


def test_what_writes_into_the_meaning_keeps_mean_zero(report: TrainingReport) -> None:
    state = _state(report.model_dir.parent)
    written = [
        name
        for name in state
        if name.startswith(("model.", "optimizer.exp_avg."))
        and name.endswith(("o_proj.weight", "down_proj.weight"))
    ]
    assert len(written) == 2 * 2 * 2  # of two layers two weights each, and the gradients' means
    for name in written:
        largest = state[name].abs().max()
        assert state[name][:384].mean(0).abs().max() <= 1e-4 * largest, name


@pytest.mark.parametrize("change", [{"blocks": 0}, {"blocks": 7}, {"streams": 0}])
def test_impossible_recipes_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"blocks|micro-batches"):
        replace(MiniRecipe.tiny(), **change)


def test_presets_stay_within_their_sizes() -> None:
    sizes = {}
    for name in ("tiny", "cpu", "gpu"):
        recipe: MiniRecipe = getattr(MiniRecipe, name)()
        with torch.device("meta"):
            model = NemotronForCausalLM(mini_config(recipe.vocab_size, blocks=recipe.blocks))
        sizes[name] = sum(parameter.numel() for parameter in model.parameters())
    assert sizes["tiny"] < 12e6 < 25e6 < sizes["cpu"] == sizes["gpu"] <= 30e6


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = MiniRecipe.cpu()
    rates = [recipe.rate(step) for step in range(recipe.joint_steps)]
    stays = round((1 - recipe.decay_share) * recipe.joint_steps)
    assert max(rates) == recipe.learning_rate
    assert rates[0] < rates[recipe.warmup_steps // 2] < rates[recipe.warmup_steps]
    assert set(rates[recipe.warmup_steps : stays]) == {recipe.learning_rate}
    assert rates[stays + 1] == pytest.approx(recipe.falling_rate, rel=0.01)
    assert rates[stays + 1 :] == sorted(rates[stays + 1 :], reverse=True)
    assert 0 < rates[-1] < recipe.learning_rate / 20


def test_the_rate_of_distillation_falls_all_the_way() -> None:
    numbers = Distillation(steps=100, warmup_steps=10)
    rates = [numbers.rate(step) for step in range(numbers.steps)]
    assert rates[0] < rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < numbers.learning_rate / 20


def test_streams_are_shared_without_rest() -> None:
    assert list(Processes(1, 2).streams(4)) == [1, 3]
    with pytest.raises(InputError, match="cannot be shared by 2 processes"):
        Processes(0, 2).streams(3)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_same_micro_batches(
    corpus_folder: Path, tmp_path: Path
) -> None:
    alone = small_run.run(small_run.few_steps(streams=2), corpus_folder, tmp_path / "one")
    assert alone is not None
    script = Path(small_run.__file__)
    launched = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), str(corpus_folder), str(tmp_path / "two")),
        ],
        env={**os.environ, "PYTHONPATH": str(script.parent.parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert launched.returncode == 0, launched.stderr[-3000:]
    assert sorted(launched.stdout.splitlines()) == ["7 steps", "no report"]
    one, two = _state(tmp_path / "one"), _state(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, msg=name)


@pytest.mark.slow
def test_all_losses_of_a_toy_fall(corpus_folder: Path, tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    small_run.run(
        replace(MiniRecipe.tiny(), num_evaluated=2),
        corpus_folder,
        tmp_path,
        progress=lambda _step, _steps, measured: told.append(measured),
    )
    mending = [each["loss"] for each in told if "copy" not in each]
    assert mending[-1] < 0.9 * mending[0]
    joint = [each for each in told if "copy" in each]
    first, last = joint[:8], joint[-8:]
    for name, share in {
        "loss": 0.8,
        "copy": 0.8,
        "choice": 0.95,
    }.items():
        ratio = sum(each[name] for each in last) / sum(each[name] for each in first)
        assert ratio < share, f"{name}: {ratio}"
