"""Windows that slide: drafts get the bits of plain passes, far behind the window's length."""

from copy import deepcopy
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, Gemma3TextConfig, MistralConfig, PreTrainedModel

from helpers.drafters import Prophet, good_makers
from quoth.decoding import Decoder, DecodingConfig, Draft, key_blocks
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.models.support import Support, model_support
from quoth.decoding.verify import Verifier

VOCABULARY, LENGTH = 97, 900
CONFIG = DecodingConfig(key_block=32, prefill_chunk=50)
KEPT = 40  # keys behind a window; in life more, which would take longer texts


def tiny(kind: str, *, intermediate_size: int = 128) -> PreTrainedModel:
    settings = {"mistral": MistralConfig, "gemma3": Gemma3TextConfig}[kind](
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=intermediate_size,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=1024,
        sliding_window=45,
        **({"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]})
        if kind == "gemma3"
        else {},
    )
    torch.manual_seed(1)
    return AutoModelForCausalLM.from_config(settings).eval()


MODELS = {
    f"{kind} in {str(dtype)[6:]}": deepcopy(tiny(kind)).to(dtype)
    for kind in ("mistral", "gemma3")
    for dtype in (torch.float32, torch.bfloat16, torch.float16)
}


@cache
def support_of(name: str) -> Support:
    return model_support(MODELS[name], CONFIG, window=1024, vocabulary_size=VOCABULARY)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_drafts_are_verified_unguarded_and_may_fork(name):
    assert support_of(name).is_row_invariant
    assert support_of(name).config.forks


@pytest.fixture(autouse=True)
def short_past(monkeypatch):
    monkeypatch.setattr(key_blocks, "_KEPT", KEPT)


def text_of(seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(VOCABULARY, (LENGTH,), generator=generator).tolist()


def verifier_of(name: str, prompt: list[int]) -> Verifier:
    verifier = support_of(name).new_verifier(MODELS[name], window=1024)
    assert isinstance(verifier, Verifier)
    verifier.prefill(prompt)
    return verifier


def plain_logits(name: str, text: list[int], start: int) -> torch.Tensor:
    verifier = verifier_of(name, text[:start])
    rows = []
    for position in range(start, len(text)):
        rows.append(verifier.verify(text[position], NO_DRAFT)[0])
        verifier.keep(position + 1)
    return torch.stack(rows)


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(sorted(MODELS)),
    st.integers(0, 99),
    st.sampled_from([1, 30, 100, 700]),
    st.lists(st.tuples(st.integers(0, 14), st.booleans()), min_size=1, max_size=20),
)
def test_every_row_has_the_bits_of_plain_passes(name, seed, start, plan):
    text = text_of(seed)[: start + 190]
    plain = plain_logits(name, text, start)
    verifier = verifier_of(name, text[:start])
    position, turn = start, 0
    while position < len(text) - 16:
        number, forks = plan[turn % len(plan)]
        turn += 1
        ahead = text[position + 1 : position + 1 + min(number, verifier.room // 2)]
        draft, nodes = forked(ahead, text) if forks else (Draft.chain(ahead), range(len(ahead)))
        logits = verifier.verify(text[position], draft)
        rows = [0, *(node + 1 for node in nodes)]
        assert torch.equal(logits[rows], plain[position - start :][: len(rows)])
        verifier.keep(position + 1, tuple(nodes))
        position += len(rows)


def forked(ahead: list[int], text: list[int]) -> tuple[Draft, list[int]]:
    """A wrong branch first; the nodes of the right one."""
    wrong = text[: len(ahead)]
    parents = [*range(-1, len(wrong) - 1), -1, *range(len(wrong), 2 * len(wrong) - 1)]
    draft = Draft(
        tokens=(*wrong, *ahead),
        parents=tuple(parents[: 2 * len(wrong)]),
        origins=(None,) * (2 * len(wrong)),
    )
    return draft, list(range(len(wrong), 2 * len(wrong)))


def test_keys_that_nobody_goes_back_to_are_let_go():
    text = text_of(3)
    verifier = verifier_of("mistral in float32", text)
    assert verifier.goes_back_to(LENGTH - KEPT)
    assert not verifier.goes_back_to(100)
    with pytest.raises(ValueError, match="it cannot keep 100"):
        verifier.keep(100)
    held = verifier.part(0, NO_DRAFT).layers[0].keys.shape[2]
    assert held < 300


def test_blocks_may_be_longer_than_what_is_kept_behind_a_window():
    """Behind the prompt, steps begin up to a block earlier than the prompt's last piece."""
    model = MODELS["mistral in float32"]
    config = DecodingConfig(key_block=128, prefill_chunk=8)
    text = text_of(5)[: 6 * 128 - 1]
    verifier = Verifier(model, config, window=1024)
    verifier.prefill(text[:-1])
    logits = verifier.verify(text[-1], NO_DRAFT)[0]
    with torch.inference_mode():
        whole = model(torch.tensor([text]), use_cache=False).logits[0, -1]
    torch.testing.assert_close(logits, whole, rtol=0, atol=1e-4)


def test_near_ties_of_a_guarded_window_are_read_again_from_the_prompt_where_keys_are_gone():
    """An inner width that is no multiple of 64 is guarded in float32."""
    model = tiny("mistral", intermediate_size=100)
    with torch.no_grad():  # pairs of tokens that are all but equally likely
        head = model.get_output_embeddings().weight
        head[1:80:2] = head[0:79:2] + 1e-7 * torch.randn_like(head[0:79:2])
    decoder = Decoder(model, config=CONFIG)
    for seed in range(3):
        prompt = text_of(seed)[: 300 + 100 * seed]
        options = {"max_new_tokens": 60, "eos_token_ids": ()}
        plain = decoder.generate(prompt, drafting="none", **options)
        for name, make in good_makers(seed, VOCABULARY, 0).items():
            found = decoder.generate(
                prompt, drafting=Prophet(name, plain.token_ids, make), **options
            )
            assert found.token_ids == plain.token_ids
            assert found.stats.exactness == "guarded"
