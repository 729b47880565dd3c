"""Other rotary frequencies for long texts: as `generate`, on both sides of the border."""

from functools import cache

import pytest
import torch
from transformers import Phi3Config, Phi3ForCausalLM, PreTrainedModel

from helpers.drafters import Prophet, good_makers
from quoth.decoding import Decoder, DecodingConfig

BORDER, VOCABULARY = 40, 64


@cache
def tiny_phi3() -> PreTrainedModel:
    torch.manual_seed(0)
    config = Phi3Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        original_max_position_embeddings=BORDER,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 8,
            "long_factor": [1.0 + 3 * place for place in range(8)],
            "original_max_position_embeddings": BORDER,
        },
        attn_implementation="eager",
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    model = Phi3ForCausalLM(config)
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.3)
    return model.eval()


@pytest.mark.parametrize("length", [BORDER - 15, BORDER - 1, BORDER, BORDER + 1, BORDER + 15])
def test_the_text_is_that_of_generate(length):
    model = tiny_phi3()
    prompt = torch.randint(0, VOCABULARY, (1, length), generator=torch.Generator().manual_seed(1))
    output = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=30,
        do_sample=False,
        pad_token_id=0,
    )
    right = output[0, length:].tolist()
    decoder = Decoder(model, config=DecodingConfig(prefill_chunk=16, key_block=25))
    plain = decoder.generate(prompt[0], max_new_tokens=30, drafting="none")
    assert list(plain.token_ids) == right
    for name, make in good_makers(1, VOCABULARY, 7).items():
        drafted = decoder.generate(
            prompt[0], max_new_tokens=30, drafting=Prophet(name, right, make)
        )
        assert list(drafted.token_ids) == right, name
