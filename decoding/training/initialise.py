"""Weights that copy before any training: MiniLM's blocks beside hand-written circuits.

A Nemotron of 512 dimensions: the first 384 are those of MiniLM, whose blocks know meaning
(``transplant``); the other 128 hold what copying needs (``subspaces``). Circuits of the first two
layers say what stands before each token (``reading``), those of the last choose, copy and end
(``answering``), for induction heads would form late (Olsson et al. 2022, arXiv 2209.11895).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import NemotronConfig, NemotronForCausalLM

from quoth.decoding.training.answering import write_answering
from quoth.decoding.training.calibration import calibrate, settle_norms
from quoth.decoding.training.embedding import embed, spoken_codes
from quoth.decoding.training.frozen import recentre
from quoth.decoding.training.lengths import write_lengths
from quoth.decoding.training.minilm import load_minilm, token_inputs
from quoth.decoding.training.reading import draw_codes, write_reading, written_codes
from quoth.decoding.training.relative import positional_parts
from quoth.decoding.training.subspaces import (
    FEED_FORWARD,
    HEAD_SIZE,
    NUM_HEADS,
    ROPE_THETA,
    TURNING,
    WIDTH,
)
from quoth.decoding.training.transplant import transplant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast
    from transformers.models.nemotron.modeling_nemotron import NemotronDecoderLayer

MAX_BLOCKS = 6
"""Blocks that MiniLM has."""

_NOISE = 0.02
_LAST_FEED_FORWARD = 0.1  # by how much less the last layer's adds than noise would


def mini_config(vocab_size: int, *, blocks: int = MAX_BLOCKS) -> NemotronConfig:
    """The shape of a model with MiniLM's first ``blocks`` blocks and one layer that answers.

    With one block, sentences are not told apart, since that is the second layer's work.

    Raises:
        ValueError: MiniLM has not as many blocks.
    """
    if not 1 <= blocks <= MAX_BLOCKS:
        raise ValueError(f"MiniLM has {MAX_BLOCKS} blocks; {blocks} cannot be taken")
    return NemotronConfig(
        vocab_size=vocab_size,
        hidden_size=WIDTH,
        intermediate_size=FEED_FORWARD,
        num_hidden_layers=blocks + 1,
        num_attention_heads=NUM_HEADS,
        num_key_value_heads=NUM_HEADS,
        head_dim=HEAD_SIZE,
        hidden_act="gelu",
        max_position_embeddings=2048,
        norm_eps=1e-6,
        tie_word_embeddings=True,
        attention_bias=True,
        mlp_bias=True,
        bos_token_id=None,
        eos_token_id=None,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": ROPE_THETA,
            "partial_rotary_factor": (TURNING.stop - TURNING.start) / HEAD_SIZE,
        },
    )


@torch.no_grad()
def initialise(
    config: NemotronConfig,
    tokenizer: PreTrainedTokenizerFast,
    *,
    texts: Sequence[str],
    prompts: Sequence[str],
    generator: torch.Generator,
) -> NemotronForCausalLM:
    """A model of a shape by ``mini_config`` that copies, and whose states mean what MiniLM's do.

    Args:
        config: The shape.
        tokenizer: By ``train_tokenizer``, of as many tokens as ``config`` says.
        texts: What MiniLM's positions are measured on; some of at least 110 word pieces.
        prompts: Whole prompts with answers, to set norms and scales by.
        generator: Draws codes and noise.

    Raises:
        ValueError: The tokenizer has another size than ``config``, or all texts are short.
    """
    if len(tokenizer) != config.vocab_size:
        raise ValueError(f"{len(tokenizer)} tokens for a model of {config.vocab_size}")
    source, pieces = load_minilm()
    model: NemotronForCausalLM = NemotronForCausalLM(config)
    for layer in model.model.layers:
        _fill_with_noise(layer, generator)
    meaning = token_inputs(tokenizer, source, pieces)
    model.model.embed_tokens.weight.copy_(embed(tokenizer, meaning, generator))
    num_blocks = config.num_hidden_layers - 1
    transplant(model, source, positional_parts(source, pieces, texts, num_blocks=num_blocks))
    write_lengths(model)
    codes = draw_codes(generator)
    write_reading(model, codes)
    spoken = spoken_codes(tokenizer, model.model.embed_tokens.weight)
    write_answering(model, spoken, codes, generator)
    calibrate(model, source, _encoded(tokenizer, prompts))
    return model


@torch.no_grad()
def settle(
    model: NemotronForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    *,
    prompts: Sequence[str],
    generator: torch.Generator,
) -> None:
    """Write the last layer anew, in place, for states that training has changed.

    Args:
        model: By ``initialise``, and trained with its circuits left alone (``frozen``).
        tokenizer: Its own.
        prompts: Whole prompts with answers, to set norms by.
        generator: Draws noise.
    """
    codes = written_codes(model)
    _fill_with_noise(model.model.layers[-1], generator)
    write_reading(model, codes)
    spoken = spoken_codes(tokenizer, model.model.embed_tokens.weight)
    write_answering(model, spoken, codes, generator)
    recentre(model)
    settle_norms(model, _encoded(tokenizer, prompts))


def _fill_with_noise(layer: NemotronDecoderLayer, generator: torch.Generator) -> None:
    """What no block or circuit takes is small and random, and adds little or nothing."""
    for weight in layer.parameters():
        if weight.dim() > 1:
            weight.normal_(0.0, _NOISE, generator=generator)
        else:
            weight.zero_()
    layer.self_attn.o_proj.weight.zero_()
    layer.mlp.down_proj.weight *= _LAST_FEED_FORWARD


def _encoded(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]) -> list[list[int]]:
    found: list[list[int]] = tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
    return found
