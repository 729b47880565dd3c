"""Tiny causal language models with random weights, built in the process in milliseconds.

The weights are spread wide, so that the best two logits of a position are rarely close: a test that
compares argmaxes then compares the algorithm and not the last bit.
"""

from functools import lru_cache

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MptConfig,
    MptForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

VOCABULARY = 64
WINDOW = 256
_NO_SPECIAL = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
_GROUPED = {  # the names that Llama gave, and Mistral took over
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": WINDOW,
    "attn_implementation": "eager",
    **_NO_SPECIAL,
}


def _finished(model: PreTrainedModel, seed: int) -> PreTrainedModel:
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.3, generator=generator)
    model.generation_config.eos_token_id = None
    return model.eval()


@lru_cache
def tiny_llama(seed: int = 0) -> PreTrainedModel:
    """Two layers, grouped queries, 64 tokens, a window of 256."""
    return _finished(LlamaForCausalLM(LlamaConfig(**_GROUPED)), seed)


@lru_cache
def tiny_gpt2(seed: int = 0) -> PreTrainedModel:
    """Learned positions: there is none behind the window."""
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=64,
        n_layer=2,
        n_head=4,
        n_positions=WINDOW,
        attn_implementation="eager",
        **_NO_SPECIAL,
    )
    return _finished(GPT2LMHeadModel(config), seed)


@lru_cache
def tiny_mistral(seed: int = 0) -> PreTrainedModel:
    """Attention over the last 16 tokens only."""
    return _finished(MistralForCausalLM(MistralConfig(**_GROUPED, sliding_window=16)), seed)


@lru_cache
def tiny_mpt(seed: int = 0) -> PreTrainedModel:
    """ALiBi, and masks that the model builds in its own way."""
    config = MptConfig(
        vocab_size=VOCABULARY, d_model=64, n_layers=2, n_heads=4, max_seq_len=WINDOW, **_NO_SPECIAL
    )
    return _finished(MptForCausalLM(config), seed)


@lru_cache
def tiny_qwen2(seed: int = 0) -> PreTrainedModel:
    """Queries, keys and values with biases; one head of keys for all queries."""
    config = Qwen2Config(**{**_GROUPED, "num_key_value_heads": 1})
    return _finished(Qwen2ForCausalLM(config), seed)
