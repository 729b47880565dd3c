"""What is taken away after a step has no part in it."""

import pytest
import torch
from transformers import NemotronForCausalLM

from quoth.decoding.training.initialise import mini_config
from quoth.decoding.training.processes import Processes
from quoth.decoding.training.steps import Updater, centre_gradients, make_joint_optimizer
from quoth.decoding.training.subspaces import CIRCUITS, MEANING


@pytest.fixture
def model() -> NemotronForCausalLM:
    torch.manual_seed(0)
    made = NemotronForCausalLM(mini_config(60, blocks=1))
    for weight in made.parameters():
        weight.grad = torch.randn_like(weight) + 1.0
    return made


def _gradients(model: NemotronForCausalLM) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_gradients_of_what_writes_into_minilms_part_have_mean_zero(
    model: NemotronForCausalLM,
) -> None:
    before = _gradients(model)
    centre_gradients(model)
    after = _gradients(model)
    for name, gradient in after.items():
        if "embed_tokens" in name:
            assert float(gradient[:, MEANING].mean(1).abs().max()) < 1e-6
            assert torch.equal(gradient[:, CIRCUITS], before[name][:, CIRCUITS])
        elif "o_proj" in name or "down_proj" in name:
            assert float(gradient[MEANING].mean(0).abs().max()) < 1e-6
            assert torch.equal(gradient[CIRCUITS], before[name][CIRCUITS])
        else:
            assert torch.equal(gradient, before[name])


def test_the_mean_does_not_count_when_gradients_are_cut(model: NemotronForCausalLM) -> None:
    for weight in model.parameters():
        weight.grad = None
    written = model.model.layers[0].mlp.down_proj.weight
    written.grad = torch.zeros_like(written)
    written.grad[MEANING] = 100.0
    written.grad[0, 0] += 1.0
    written.grad[1, 0] -= 1.0
    updater = Updater(
        model=model,
        optimizer=make_joint_optimizer(model),
        clip_norm=1.0,
        processes=Processes(0, 1),
    )
    assert updater.step(1e-3) == pytest.approx(2**0.5, rel=1e-3)
