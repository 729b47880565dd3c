"""One architecture of each kind decodes as `generate` does, with right, wrong and forked drafts.

All others: `pytest -m slow tests/architectures`, and docs/models.md.
"""

from itertools import zip_longest

import pytest
from transformers import BertConfig, BertLMHeadModel

from helpers.architecture_check import check_quickly
from helpers.tiny_architectures import silence, tiny_model
from quoth.decoding import Decoder
from quoth.errors import UnsupportedModelError

ACCELERATED = {
    "llama": "keys",
    "gpt2": "keys",
    "opt": "keys",  # learned positions
    "bart": "keys",  # which it counts itself
    "bloom": "keys",  # ALiBi
    "mpt": "keys",  # and a table of it
    "gpt_neo": "keys",  # masks from a table
    "falcon": "keys",
    "gpt_neox": "keys",
    "phi3": "keys",
    "mistral": "keys",  # a sliding window
    "gemma2": "keys",  # a sliding window in every other layer
    "gemma3_text": "keys",
    "mixtral": "keys",  # experts
    "qwen3_moe": "keys",
    "deepseek_v3": "keys",  # latent attention
    "deepseek_v32": "keys",  # and an index of keys
    "roberta": "keys",  # positions counted from the padding token
    "lfm2": "states",  # convolutions
    "mamba2": "states",
    "bamba": "states",  # states and keys
    "qwen3_next": "states",
    "deepseek_v4": "states",  # compressed keys
    "rwkv": "own states",
    "xlstm": "own states",
    "minimax": "own states",
    "openai-gpt": "text",  # keeps nothing
    "recurrent_gemma": "text",  # keeps its states within itself
}


@pytest.mark.parametrize("model_type", ACCELERATED)
def test_drafts_are_verified_and_change_nothing(model_type):
    verdict = check_quickly(tiny_model(model_type))
    assert (verdict.quoth, verdict.reason) == ("accelerated", "")
    assert verdict.memory == ACCELERATED[model_type]


@pytest.mark.parametrize("model_type", ["mamba", "jamba", "zamba2"])
def test_models_that_read_one_token_at_a_time_are_decoded_plainly(model_type):
    """Wider passes forget the state, or (Zamba2) limit time steps that single ones do not."""
    verdict = check_quickly(tiny_model(model_type))
    assert (verdict.quoth, verdict.reason) == ("plain", "")


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("xlm", "reads other tokens than those of the text"),
        ("xlnet", "cannot be put back"),
        ("cpmant", "logits change with the tokens after it"),
        ("musicgen", "no embedding of text tokens"),
        ("reformer", "cannot be put back"),
    ],
)
def test_models_that_read_more_than_a_text_are_refused(model_type, reason):
    model = tiny_model(model_type)
    with silence(), pytest.raises(UnsupportedModelError, match=reason):
        Decoder(model)


def test_a_model_that_sees_ahead_is_told_what_to_set():
    config = BertConfig(vocab_size=101, hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    model = BertLMHeadModel(config)
    with silence(), pytest.raises(UnsupportedModelError, match="is_decoder=True"):
        Decoder(model)


@pytest.mark.parametrize("model_type", ["mamba2", "recurrent_gemma", "rwkv"])
def test_two_streams_of_one_decoder_do_not_mix(model_type):
    decoder = Decoder(tiny_model(model_type))
    assert not decoder.is_row_invariant  # passes have other widths than plain ones
    alone = [
        decoder.generate(prompt, max_new_tokens=12).token_ids for prompt in ([5, 6], [9, 8, 7])
    ]
    streams = [decoder.stream(prompt, max_new_tokens=12) for prompt in ([5, 6], [9, 8, 7])]
    said: list[list[int]] = [[], []]
    for steps in zip_longest(*streams):
        for tokens, step in zip(said, steps, strict=True):
            tokens += step.token_ids if step else ()
    assert [tuple(tokens) for tokens in said] == alone
