"""Near-ties are decided the plain way: equal tokens where verifying drafts rounds otherwise."""

from collections.abc import Sequence
from copy import deepcopy

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from helpers.drafters import Prophet, good_makers
from helpers.tiny_model import VOCABULARY, tiny_gpt2, tiny_llama, tiny_mistral
from quoth.decoding import Decoder, DecodingConfig, Draft, Generation, guarding

prompts = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=20)
LENGTH = 20


def with_ties(model: PreTrainedModel, apart: float) -> PreTrainedModel:
    """A model five of whose pairs of tokens are all but equally likely everywhere."""
    model = deepcopy(model)
    torch.manual_seed(0)
    head = model.get_output_embeddings()
    with torch.no_grad():
        weight = head.weight.clone()
        weight[1:11:2] = weight[0:10:2]
        weight[1:11:2] += apart * torch.randn_like(weight[1:11:2])
        head.weight = torch.nn.Parameter(weight)
    return model


def decoder(model: PreTrainedModel, *, min_rows: int = 4) -> Decoder:
    return Decoder(model, config=DecodingConfig(min_rows=min_rows, key_block=32))


# One row is computed by other kernels than eight.
DECODERS = {
    "llama": decoder(with_ties(tiny_llama(), 1e-7), min_rows=1),
    "gpt2": decoder(with_ties(tiny_gpt2(), 1e-7), min_rows=1),
    "windows": decoder(with_ties(tiny_mistral(), 1e-7), min_rows=1),
    "bfloat16": decoder(with_ties(tiny_llama(), 1e-3).bfloat16(), min_rows=1),
}


def generate(model: Decoder, prompt: Sequence[int], drafting: object) -> Generation:
    return model.generate(prompt, max_new_tokens=LENGTH, eos_token_ids=(), drafting=drafting)  # type: ignore[arg-type] # drafters of tests


def drafted(
    model: Decoder, prompt: Sequence[int], seed: int
) -> tuple[Generation, list[Generation]]:
    plain = generate(model, prompt, "none")
    makers = good_makers(seed, VOCABULARY, 0)
    names = ("oracle", "half_right", "tree")
    drafters = [Prophet(name, plain.token_ids, makers[name]) for name in names]
    return plain, [generate(model, prompt, each) for each in (*drafters, drafters)]


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=6, deadline=None, phases=[Phase.generate])  # shrinking takes minutes
@given(prompts, st.integers(0, 2**32))
def test_no_tie_is_decided_otherwise(name: str, prompt: list[int], seed: int) -> None:
    plain, others = drafted(DECODERS[name], prompt, seed)
    assert plain.stats.exactness == "plain"
    for other in others:
        assert other.token_ids == plain.token_ids
        assert other.stats.exactness == "guarded"
        stats = other.stats
        assert stats.tokens == 1 + stats.forward_passes + stats.accepted


def test_the_ties_of_these_tests_are_decided_otherwise_without_the_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarding, "_SAFETY", -1.0)
    differing = 0
    for seed in range(12):
        prompt = [(seed * 7 + step) % VOCABULARY for step in range(9)]
        plain, others = drafted(DECODERS["llama"], prompt, seed)
        differing += sum(other.token_ids != plain.token_ids for other in others)
    assert differing


def test_rechecks_come_behind_accepted_tokens_and_end_drafting_where_it_does_not_pay() -> None:
    found = []
    for seed in range(6):
        plain, others = drafted(DECODERS["llama"], [seed, 2, 3], seed)
        assert plain.stats.rechecks == 0
        found += [other.stats for other in others]
    assert any(stats.rechecks and stats.accepted for stats in found)
    for stats in found:
        assert stats.reread_passes <= stats.accepted + 8 + LENGTH


def test_a_model_without_ties_is_never_rechecked() -> None:
    model = decoder(tiny_llama(), min_rows=1)
    _, others = drafted(model, [1, 2, 3], 0)
    assert [other.stats.rechecks for other in others] == [0] * len(others)


@pytest.mark.parametrize(
    ("min_rows", "options", "mode"),
    [
        (4, {}, "invariant"),
        (4, {"temperature": 1.0}, "invariant"),
        (1, {}, "guarded"),
        (1, {"temperature": 1.0}, "plain"),  # sampling has more borders than the guard knows
        (1, {"repetition_penalty": 1.3}, "guarded"),
    ],
)
def test_each_request_gets_what_cannot_change_it(
    min_rows: int, options: dict[str, float], mode: str
) -> None:
    model = decoder(tiny_llama(), min_rows=min_rows)
    plain = model.generate([1, 2], max_new_tokens=LENGTH, drafting="none", **options)  # type: ignore[arg-type] # floats
    oracle = Prophet("oracle", plain.token_ids, lambda truth, room: Draft.chain(truth[:room]))
    other = model.generate([1, 2], max_new_tokens=LENGTH, drafting=oracle, **options)  # type: ignore[arg-type] # floats
    assert other.token_ids == plain.token_ids
    assert other.stats.exactness == mode
    assert (other.stats.drafted == 0) == (mode == "plain")
