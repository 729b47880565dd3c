"""Experts whose rows are filled up: drafts get the bits of plain passes, in every precision."""

import gc
import weakref
from copy import deepcopy
from functools import cache

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import PreTrainedModel
from transformers.integrations.moe import grouped_mm_experts_forward

from helpers.drafters import Prophet, good_makers
from helpers.tiny_architectures import tiny_model
from quoth.decoding import Decoder, DecodingConfig
from quoth.decoding.expert_rows import filled, has_plain_experts, with_filled_experts

KINDS = ("mixtral", "qwen3_moe", "gpt_oss")
CONFIG = DecodingConfig(key_block=32)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
MODELS = {kind: tiny_model(kind) for kind in KINDS}
VOCABULARY = 100


@cache
def decoder_of(kind: str, dtype: str) -> Decoder:
    return Decoder(deepcopy(MODELS[kind]).to(DTYPES[dtype]), config=CONFIG)


def experts_of(model: PreTrainedModel) -> nn.Module:
    return next(each for each in model.modules() if hasattr(each, "_is_expert_parallel"))


@pytest.mark.parametrize("name", sorted(DTYPES))
@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(KINDS), st.integers(1, 9), st.integers(0, 9), st.integers(1, 3), st.integers()
)
def test_a_row_does_not_depend_on_those_beside_it(name, kind, rows, before, choices, seed):
    experts = deepcopy(experts_of(MODELS[kind])).to(DTYPES[name])
    torch.manual_seed(seed % 2**31)
    width = MODELS[kind].config.hidden_size
    states = torch.randn(before + rows, width).to(DTYPES[name])
    index = torch.stack([torch.randperm(experts.num_experts)[:choices] for _ in states])
    weights = torch.rand(len(states), choices).to(DTYPES[name])
    with torch.inference_mode():
        together = filled(experts, states, index, weights, min_rows=4)
        apart = filled(experts, states[before:], index[before:], weights[before:], min_rows=4)
        plain = grouped_mm_experts_forward(experts, states, index, weights)
    assert torch.equal(together[before:], apart)
    bound = 4 * torch.finfo(DTYPES[name]).eps * max(1.0, float(plain.abs().max()))
    torch.testing.assert_close(together, plain, rtol=0.02, atol=bound)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(
    st.sampled_from(sorted(DTYPES)),
    st.lists(st.integers(3, VOCABULARY), min_size=1, max_size=40),
    st.integers(0, 2**32),
)
def test_drafts_are_verified_unguarded_and_change_no_token(kind, dtype, prompt, seed):
    decoder = decoder_of(kind, dtype)
    options = {"max_new_tokens": 24, "eos_token_ids": (), "seed": seed}
    for temperature in (0.0, 0.9):
        plain = decoder.generate(prompt, drafting="none", temperature=temperature, **options)
        makers = good_makers(seed, VOCABULARY, 0)
        names = ("half_right", "tree", "bush")
        drafters = [Prophet(each, plain.token_ids, makers[each]) for each in names]
        for drafting in (*drafters, [*drafters, "reference"]):
            found = decoder.generate(prompt, drafting=drafting, temperature=temperature, **options)
            assert found.token_ids == plain.token_ids
            assert found.stats.exactness == "invariant"


def test_rows_of_a_batch_share_passes():
    decoder = decoder_of("qwen3_moe", "bfloat16")
    prompts = [[5, 6, 7], [8] * 30, [9, 4]]
    rows = decoder.generate_batch(prompts, max_new_tokens=10, eos_token_ids=())
    assert decoder.batches_rows
    for prompt, row in zip(prompts, rows, strict=True):
        single = decoder.generate(prompt, max_new_tokens=10, eos_token_ids=())
        assert row.token_ids == single.token_ids
        assert row.stats.shared_passes


def test_the_model_itself_is_not_touched():
    model = tiny_model("mixtral")
    before = dict(vars(model.config))
    other = with_filled_experts(model, 4)
    assert other is not model
    assert vars(model.config) == before
    weights = zip(model.parameters(), other.parameters(), strict=True)
    assert all(mine is theirs for mine, theirs in weights)


def test_a_twin_goes_with_its_last_reference():
    """Else the weights of a model that is given up would stay until a cyclic collection."""
    gc.collect()
    gc.disable()
    try:
        other = with_filled_experts(tiny_model("mixtral"), 4)
        alive = weakref.ref(experts_of(other))
        del other
        assert alive() is None
    finally:
        gc.enable()


def test_models_without_experts_are_left_alone():
    model = tiny_model("llama")
    assert not has_plain_experts(model)
    assert with_filled_experts(model, 4) is model
    experts = tiny_model("mixtral")
    assert with_filled_experts(experts, 1) is experts  # passes of one row are guarded


def parallel(model: PreTrainedModel) -> None:
    experts_of(model)._is_expert_parallel = True


def with_kernels(model: PreTrainedModel) -> None:
    experts_of(model).config._experts_implementation = "deepgemm"


def of_eight_bits(model: PreTrainedModel) -> None:
    experts = experts_of(model)
    weight = experts.down_proj.data.to(torch.float8_e4m3fn)
    experts.down_proj = nn.Parameter(weight, requires_grad=False)


def hooked(model: PreTrainedModel) -> None:
    """As accelerate does where a model lies on several devices."""
    experts = experts_of(model)
    experts.forward = experts.forward


@pytest.mark.parametrize("change", [parallel, with_kernels, of_eight_bits, hooked])
def test_experts_that_are_computed_otherwise_are_left_alone(change):
    model = deepcopy(MODELS["mixtral"])
    change(model)
    assert with_filled_experts(model, 4) is model
