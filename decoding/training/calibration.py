"""Norms, and the scales of transplanted blocks, set on sample prompts.

A norm here runs over the whole stream, circuits' dimensions included. It is made to read MiniLM's
part as BERT's own norm would, the circuits' part as it is, and the fillers as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.minilm import blocks
from quoth.decoding.training.subspaces import FILLER, IDENTITY, MEANING
from quoth.decoding.training.transplant import centre

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn
    from transformers import BertModel, NemotronForCausalLM
    from transformers.models.nemotron.modeling_nemotron import NemotronDecoderLayer

_FILLED = {0: 25.0, 1: -25.0}
"""What a layer adds to the fillers: where they are long, norms hardly differ between tokens."""

_FILLED_FOR_SETTLED_SECOND = {0: 100.0, 1: -100.0}
"""The second layer tells sentences apart by flags and large scores, so it needs that most.

Only after distillation: untrained blocks need their norms to make each token equally long.
"""

_FILLED_FOR_LAST, _FILLED_FOR_SETTLED = 150.0, 600.0
_LAST_MEANING, _FINAL_MEANING = 0.6, 0.1
"""How long the last layer reads MiniLM's part, a dimension, and by how much its final norm does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lengths:
    """Standard deviations over dimensions, medians over tokens."""

    meaning: float
    whole: float
    ratio: float  # of whole to meaning


@torch.no_grad()
def calibrate(
    model: NemotronForCausalLM, source: BertModel, prompts: Sequence[Sequence[int]]
) -> None:
    """Fill, set all norms, and scale what MiniLM's blocks add, on token ids ``prompts``."""
    layers = model.model.layers
    for number, value in {**_FILLED, len(layers) - 2: _FILLED_FOR_LAST}.items():
        _fill(layers[number], value)
    states = [model.model.embed_tokens(torch.tensor([list(ids)])) for ids in prompts]
    _read_evenly(layers[0].input_layernorm, _lengths(states), None)
    for layer, block, following in zip(layers, blocks(source), layers[1:], strict=False):
        states = [_attended(model, layer, state) for state in states]
        norm, own = layer.post_attention_layernorm, block.attention.output.LayerNorm
        scale = _read_like(norm, own, _lengths(states))
        _scale_added(layer.mlp.down_proj, own.bias, scale)
        states = [state + layer.mlp(norm(state)) for state in states]
        scale = _read_like(following.input_layernorm, block.output.LayerNorm, _lengths(states))
        if following is not layers[-1]:
            _scale_added(following.self_attn.o_proj, block.output.LayerNorm.bias, scale)
    states = [_attended(model, layers[-1], state) for state in states]
    _read_evenly(layers[-1].post_attention_layernorm, _lengths(states), _LAST_MEANING)
    read_codes(model, prompts)


@torch.no_grad()
def settle_norms(model: NemotronForCausalLM, prompts: Sequence[Sequence[int]]) -> None:
    """Make what second and last layer read equally long for all tokens, after distillation.

    States of some tokens become ten times longer than those of others; large fillers hide that.
    ``prompts`` are token ids.
    """
    _fill_for_second(model, prompts)
    _fill(model.model.layers[-2], _FILLED_FOR_SETTLED)
    states = [_last_read(model, ids) for ids in prompts]
    last = model.model.layers[-1]
    for norm in (last.input_layernorm, last.post_attention_layernorm):
        _read_evenly(norm, _lengths(states), _LAST_MEANING)
    for layer in model.model.layers:
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            norm.weight[list(FILLER)] = -1.0
    read_codes(model, prompts)


def _fill_for_second(model: NemotronForCausalLM, prompts: Sequence[Sequence[int]]) -> None:
    second = model.model.layers[1]
    if second is model.model.layers[-1]:
        return
    norms = (second.input_layernorm, second.post_attention_layernorm)
    before = [_seen(model, norm, prompts).whole for norm in norms]
    for number, value in _FILLED_FOR_SETTLED_SECOND.items():
        _fill(model.model.layers[number], value)
    for norm, length in zip(norms, before, strict=True):
        norm.weight.copy_((norm.weight + 1) * _seen(model, norm, prompts).whole / length - 1)


def _seen(
    model: NemotronForCausalLM, norm: nn.Module, prompts: Sequence[Sequence[int]]
) -> _Lengths:
    """Lengths of what a norm is given."""
    states: list[Tensor] = []
    handle = norm.register_forward_pre_hook(lambda _norm, given: states.append(given[0]))
    for ids in prompts:
        model.model(torch.tensor([list(ids)]), use_cache=False)
    handle.remove()
    return _lengths(states)


def read_codes(model: NemotronForCausalLM, prompts: Sequence[Sequence[int]]) -> None:
    """Let the final norm read codes as they are, of MiniLM's part a little, and nothing else."""
    last, norm = model.model.layers[-1], model.model.norm
    states = []
    for ids in prompts:
        state = _attended(model, last, _last_read(model, ids))
        states.append(state + last.mlp(last.post_attention_layernorm(state)))
    norm.weight.fill_(-1.0)
    norm.bias.zero_()
    norm.weight[IDENTITY] = _lengths(states).whole - 1
    norm.weight[MEANING] = _FINAL_MEANING - 1


def _last_read(model: NemotronForCausalLM, ids: Sequence[int]) -> Tensor:
    outputs = model.model(torch.tensor([list(ids)]), output_hidden_states=True, use_cache=False)
    states: Tensor = outputs.hidden_states[-2]
    return states


def _attended(model: NemotronForCausalLM, layer: NemotronDecoderLayer, state: Tensor) -> Tensor:
    length = state.shape[1]
    turning = model.model.rotary_emb(state, torch.arange(length)[None])
    mask = torch.full((length, length), -1e9).triu(1)[None, None]
    read = layer.input_layernorm(state)
    added: Tensor = layer.self_attn(read, turning, attention_mask=mask)[0]
    return state + added


def _lengths(states: Sequence[Tensor]) -> _Lengths:
    tokens = torch.cat([state[0] for state in states])
    meaning = tokens[:, MEANING].std(-1, correction=0)
    whole = tokens.std(-1, correction=0)
    return _Lengths(
        meaning=float(meaning.median()),
        whole=float(whole.median()),
        ratio=float((whole / meaning).median()),
    )


def _fill(layer: NemotronDecoderLayer, value: float) -> None:
    first, second = FILLER
    layer.mlp.down_proj.bias[first], layer.mlp.down_proj.bias[second] = value, -value


def _read_evenly(norm: nn.LayerNorm, lengths: _Lengths, meaning: float | None) -> None:
    """Read all as it is, MiniLM's part with a length of ``meaning``, if given."""
    norm.weight.fill_(lengths.whole - 1)
    norm.bias.zero_()
    if meaning is not None:
        norm.weight[MEANING] = meaning * lengths.whole / lengths.meaning - 1
    norm.weight[list(FILLER)] = -1.0


def _read_like(norm: nn.LayerNorm, source: nn.LayerNorm, lengths: _Lengths) -> float:
    """Read MiniLM's part as ``source`` would; how much longer than BERT's the stream is there."""
    _read_evenly(norm, lengths, None)
    norm.weight[MEANING] = source.weight * lengths.ratio - 1
    norm.bias[MEANING] = source.bias
    return lengths.meaning / float(source.weight.abs().mean())


def _scale_added(layer: nn.Linear, shift: Tensor, scale: float) -> None:
    """Make what ``layer`` adds as large as the stream, with the shift that BERT's norm gave it."""
    layer.weight[MEANING] *= scale
    layer.bias[MEANING] = (layer.bias[MEANING] + shift) * scale
    centre(layer)
