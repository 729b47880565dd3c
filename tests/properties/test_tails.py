"""Widths at which elementwise functions leave a rest behind their vectors are seen in the trial."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from helpers.tiny_architectures import tiny_config
from quoth.decoding import Decoder


@pytest.mark.parametrize(
    ("kind", "dtype", "changed"),
    [
        ("glm4_moe", torch.float32, {"moe_intermediate_size": 100}),
        ("qwen2_moe", torch.float32, {"shared_expert_intermediate_size": 52}),
        ("glm4_moe", torch.float32, {"n_routed_experts": 10}),
        ("glm4_moe", torch.bfloat16, {"n_routed_experts": 10}),
        ("gpt_neox", torch.float16, {"intermediate_size": 111}),
    ],
)
def test_models_with_rests_are_not_trusted(
    kind: str, dtype: torch.dtype, changed: dict[str, int]
) -> None:
    config = tiny_config(kind)
    for name, value in changed.items():
        assert hasattr(config, name)
        setattr(config, name, value)
    model = AutoModelForCausalLM.from_config(config).to(dtype).eval()
    assert not Decoder(model).is_row_invariant


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_what_rounds_alike_everywhere_is_trusted(dtype: torch.dtype) -> None:
    model = AutoModelForCausalLM.from_config(tiny_config("qwen2_moe")).to(dtype).eval()
    assert Decoder(model).is_row_invariant
