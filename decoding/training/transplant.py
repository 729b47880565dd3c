"""MiniLM's blocks in a causal model with norms before its layers instead of after them.

A BERT block is ``h = norm(h + attention(h))``, then ``h = norm(h + feed_forward(h))``. Here the
residual stream holds the sum before the norm, and the next layer's norm, with the same scale and
shift, reads what BERT would have had. What is added to the stream must be as much larger as the
sum is larger than its norm: ``calibration`` measures that. Positions become scores of distances
(``relative``), and tokens no longer see those behind them. Little training mends what this breaks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import blank_head
from quoth.decoding.training.minilm import blocks
from quoth.decoding.training.relative import distance_scores, fit_turning
from quoth.decoding.training.subspaces import CONTENT, HEAD_SIZE, MEANING

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import BertModel, NemotronForCausalLM
    from transformers.models.bert.modeling_bert import BertAttention, BertLayer
    from transformers.models.nemotron.modeling_nemotron import NemotronMLP

    from quoth.decoding.training.heads import Head

_BERT_HEAD = 32


@torch.no_grad()
def transplant(model: NemotronForCausalLM, source: BertModel, positions: list[Tensor]) -> None:
    """Write as many blocks of ``source`` as ``model`` has layers but one.

    Args:
        model: Receives the blocks in its first layers, in MiniLM's part of the stream.
        source: MiniLM.
        positions: Each block's positional part, [T, 384].
    """
    layers = model.model.layers[:-1]
    for number, (layer, block) in enumerate(zip(layers, blocks(source), strict=False)):
        for head in range(source.config.num_attention_heads):
            written = blank_head(model, layer=number, number=head)
            _write_head(written, block.attention, head, positions[number])
        layer.self_attn.o_proj.bias[MEANING] = block.attention.output.dense.bias
        centre(layer.self_attn.o_proj)
        _write_feed_forward(layer.mlp, block)


def _write_head(head: Head, source: BertAttention, number: int, positions: Tensor) -> None:
    rows = slice(number * _BERT_HEAD, (number + 1) * _BERT_HEAD)
    asked, held, carried = source.self.query, source.self.key, source.self.value
    scale = math.sqrt(HEAD_SIZE / _BERT_HEAD)
    head.query[CONTENT, MEANING] = scale * asked.weight[rows]
    head.query_bias[CONTENT] = scale * asked.bias[rows]
    head.key[CONTENT, MEANING], head.key_bias[CONTENT] = held.weight[rows], held.bias[rows]
    head.value[CONTENT, MEANING] = carried.weight[rows]
    head.value_bias[CONTENT] = carried.bias[rows]
    head.out[MEANING, CONTENT] = source.output.dense.weight[:, rows]
    head.relate(*fit_turning(distance_scores(positions, asked.weight[rows], held.weight[rows])))


def _write_feed_forward(target: NemotronMLP, source: BertLayer) -> None:
    inner, outer = source.intermediate.dense, source.output.dense
    up, down = target.up_proj, target.down_proj
    up.weight.zero_()
    up.weight[:, MEANING], up.bias[:] = inner.weight, inner.bias
    down.weight.zero_()
    down.weight[MEANING], down.bias[MEANING] = outer.weight, outer.bias
    centre(down)


def centre(layer: nn.Linear) -> None:
    """Write nothing into the mean of MiniLM's part.

    A norm subtracts it, so nothing is lost, and the circuits' dimensions do not feel it.
    """
    layer.weight[MEANING] -= layer.weight[MEANING].mean(0)
    layer.bias[MEANING] -= layer.bias[MEANING].mean()
