"""Weights that can already answer: a Llama whose first layers hold hand-made attention circuits.

Copying and matching need no training when the circuits for them are written in at the start, which
saves the long plateau before induction heads form (Olsson et al. 2022, arXiv 2209.11895). The
residual stream is divided into named subspaces (``subspaces``); layers 0-2 match every token
against the question (``matching``), layer 3 chooses and layer 4 copies (``choosing``). All else is
small and random, and everything is trained on. ``rope_theta`` must be large, so that half of each
head hardly turns within the context.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from quoth.decoding.training import choosing, matching
from quoth.decoding.training.heads import Head, blank_head, orthogonal
from quoth.decoding.training.subspaces import (
    ASSISTANT_SECTION,
    EMBEDDED,
    EMBEDDED_NORM2,
    FIRST_PASSAGE,
    NUM_OFFSETS,
    USER_SECTION,
    Subspaces,
    TokenFeatures,
)

if TYPE_CHECKING:
    from torch import Tensor

_MIN_HEADS, _MIN_LAYERS, _MIN_WIDTH = 6, 5, 192
_NORM2 = (EMBEDDED_NORM2, 10.0, 13.0, 15.0, 22.0)
"""Expected squared length of the residual stream before each layer."""

_ENDING = 6.0
"""How much the end of a sentence suggests the end of the answer."""


@torch.no_grad()
def initialise(
    config: LlamaConfig, features: TokenFeatures, generator: torch.Generator
) -> LlamaForCausalLM:
    """A model of ``config`` with the circuits written into its first five layers.

    Raises:
        ValueError: If the shape has no room for the circuits.
    """
    _check(config)
    model = LlamaForCausalLM(config)
    _fill_with_noise(model, generator)
    _write_embeddings(model, features, generator)
    space = Subspaces(width=config.hidden_size)
    code = orthogonal(space.code, space.block, generator)
    _write_matching(model, code, generator)
    _write_choosing(model, code, features)
    return model


def _check(config: LlamaConfig) -> None:
    least = {
        "num_attention_heads": _MIN_HEADS,
        "num_hidden_layers": _MIN_LAYERS,
        "hidden_size": _MIN_WIDTH,
        "head_dim": 2 * Subspaces(width=config.hidden_size).block,
    }
    for name, size in least.items():
        if getattr(config, name) < size:
            raise ValueError(f"the circuits need {name} {size}, not {getattr(config, name)}")


def _fill_with_noise(model: LlamaForCausalLM, generator: torch.Generator) -> None:
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            continue
        scale = 0.02 if name.endswith(("o_proj.weight", "down_proj.weight")) else 0.7
        weight.normal_(0.0, scale / math.sqrt(weight.shape[1]), generator=generator)


def _write_embeddings(
    model: LlamaForCausalLM, features: TokenFeatures, generator: torch.Generator
) -> None:
    """Meaning, identity and flags of each token; the output reads meaning and identity."""
    space = Subspaces(width=model.config.hidden_size)
    embedding = model.model.embed_tokens.weight
    embedding.mul_(0.02 / embedding.std())
    meaning = _principal(features.meaning, space.block)
    identity = torch.randn(embedding.shape[0], space.block, generator=generator)
    identity = torch.nn.functional.normalize(identity, dim=1)
    embedding[:, : space.filler + 1] = 0.0
    embedding[:, space.meaning] = EMBEDDED * meaning
    embedding[:, space.identity] = EMBEDDED * identity
    embedding[list(features.marker_ids), space.token] = 0.0  # nothing is to match them
    embedding[features.marker_ids[USER_SECTION], space.rest] = 1.0
    embedding[:, space.constant] = 1.0
    for number, token_id in enumerate(features.marker_ids):
        embedding[token_id, space.section.start + number] = 1.0
    embedding[list(features.end_ids), space.ends] = 1.0
    embedding[:, space.rarity] = 0.5 * features.rarity
    embedding[[*features.marker_ids, *features.end_ids], space.rarity] = 0.0
    missing = EMBEDDED_NORM2 - embedding.square().sum(dim=1)
    # The layers add little to the user token: it starts as long as others become.
    missing[features.marker_ids[USER_SECTION]] += _NORM2[3] - EMBEDDED_NORM2
    embedding[:, space.filler] = missing.clamp_min(0.0).sqrt()
    unembedding = model.lm_head.weight
    unembedding.mul_(0.01 / unembedding.std())
    unembedding[:, space.output] = torch.cat([0.6 * meaning, 1.4 * identity], dim=1)
    _write_ending(unembedding[features.end_of_turn], space)


def _write_ending(end: Tensor, space: Subspaces) -> None:
    """Suggest the end of the answer after a sentence, but not after a marker.

    The section of a marker counts twice: once from its embedding, once from layer 0.
    """
    end[space.constant] = end[space.ends] = _ENDING
    end[space.section.start + ASSISTANT_SECTION : space.section.stop] = -_ENDING


def _write_matching(model: LlamaForCausalLM, code: Tensor, generator: torch.Generator) -> None:
    space = Subspaces(width=model.config.hidden_size)
    for offset in range(1, NUM_OFFSETS + 1):
        matching.write_offset(_head(model, 0, offset - 1), offset, code)
    matching.write_before(_head(model, 0, NUM_OFFSETS), code)
    matching.write_section(_head(model, 0, NUM_OFFSETS + 1))
    matching.write_role(_head(model, 0, NUM_OFFSETS + 2))
    scale = math.sqrt(space.width / _NORM2[1])
    matching.write_asked(model.model.layers[0].mlp, space, scale)
    matching.write_match(_head(model, 1, 0), generator)
    matching.write_vote(_head(model, 1, 1), generator)
    matching.write_start(_head(model, 1, 2))
    matching.write_density(_head(model, 2, 0), generator)


def _write_choosing(model: LlamaForCausalLM, code: Tensor, features: TokenFeatures) -> None:
    space = Subspaces(width=model.config.hidden_size)
    markers = list(features.marker_ids[FIRST_PASSAGE:])
    unembedding = model.lm_head.weight
    choosing.write_choice_of_passage(_head(model, 3, 0), unembedding[markers][:, space.output])
    choosing.write_choice_of_sentence(_head(model, 3, 1))
    choosing.write_copy(_head(model, 4, 0), code)


def _head(model: LlamaForCausalLM, layer: int, number: int) -> Head:
    return blank_head(model, layer=layer, head=number, norm2=_NORM2[layer])


def _principal(features: Tensor, width: int) -> Tensor:
    """The first ``width`` principal components of each row, scaled to length one."""
    centred = features - features.mean(dim=0)
    if centred.shape[1] > width:
        covariance = (centred.T @ centred).double()  # single precision fails on low ranks
        vectors = torch.linalg.eigh(covariance)[1].float()
        centred = centred @ vectors[:, -width:]
        centred = centred / centred.std(dim=0).clamp_min(1e-6).sqrt()
    padded = torch.nn.functional.pad(centred, (0, width - centred.shape[1]))
    return torch.nn.functional.normalize(padded, dim=1)
