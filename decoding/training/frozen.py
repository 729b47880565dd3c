"""What training leaves alone: circuits keep their weights, and MiniLM's part its mean of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import NemotronForCausalLM

from quoth.decoding.training.answering import (
    CHOOSING,
    MATCHING,
    NUM_ANSWERING_HEADS,
    REFUSING,
    RELEVANCE,
)
from quoth.decoding.training.copying import COPY_PARTS
from quoth.decoding.training.heads import view_head
from quoth.decoding.training.lengths import mask_lengths
from quoth.decoding.training.reading import NUM_READING_HEADS
from quoth.decoding.training.subspaces import (
    CHOOSE_PASSAGE,
    CIRCUITS,
    COPIES,
    MEANING,
    NUM_BLOCK_HEADS,
    USER,
)
from quoth.decoding.training.tokenizer import MARKERS, SPECIAL_TOKENS
from quoth.decoding.training.transplant import centre

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from quoth.decoding.training.heads import Head


def train_only_the_rest(model: NemotronForCausalLM) -> None:
    """Let no gradient reach the circuits, nor what they write and read.

    Small gradients would not do: Adam's steps are as large for them as for large ones. The
    optimiser must have no weight decay, which needs no gradient.
    """
    weights = dict(model.named_parameters())
    for name, mask in trained(model).items():
        weight = weights[name]
        weight.register_hook(_times(mask.to(weight)))  # type: ignore[no-untyped-call]  # upstream


def _times(mask: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda gradient: gradient * mask


@torch.no_grad()
def recentre(model: NemotronForCausalLM) -> None:
    """Take the mean from all that is written into MiniLM's part, as is due after every step.

    Otherwise norms, which subtract the mean of the whole stream, shift what the circuits read: one
    per cent of a flag is six points of a score of 600.
    """
    for layer in model.model.layers:
        centre(layer.self_attn.o_proj)
        centre(layer.mlp.down_proj)
    embedding = model.model.embed_tokens.weight
    embedding[:, MEANING] -= embedding[:, MEANING].mean(1, keepdim=True)


@torch.no_grad()
def trained(model: NemotronForCausalLM) -> dict[str, Tensor]:
    """1 for what is trained, 0 for what is not, of each parameter that is not trained whole."""
    masks = NemotronForCausalLM(model.config)
    for mask in masks.parameters():
        mask.fill_(1.0)
    _mask_embedding(masks.model.embed_tokens.weight)
    for layer in masks.model.layers[:-1]:
        for written in (layer.self_attn.o_proj, layer.mlp.down_proj):
            written.weight[CIRCUITS] = written.bias[CIRCUITS] = 0.0
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            norm.weight[CIRCUITS] = norm.bias[CIRCUITS] = 0.0
    last = len(masks.model.layers) - 1
    for number, count in NUM_READING_HEADS.items():
        for head in range(NUM_BLOCK_HEADS, NUM_BLOCK_HEADS + count):
            _mask_head(view_head(masks, layer=number, number=head))
    mask_lengths(masks, model)
    _mask_last(masks, last)
    return {name: mask for name, mask in masks.named_parameters() if not mask.all()}


def _mask_embedding(mask: Tensor) -> None:
    """Codes and flags stay, and special tokens and markers, first and last, stay altogether."""
    mask[:, CIRCUITS] = 0.0
    mask[: len(SPECIAL_TOKENS)] = 0.0
    mask[-len(MARKERS) - 1 :] = 0.0


def _mask_head(head: Head) -> None:
    for view in (head.query, head.key, head.value, head.out):
        view.zero_()
    for bias in (head.query_bias, head.key_bias, head.value_bias):
        bias.zero_()


def _mask_last(masks: NemotronForCausalLM, last: int) -> None:
    """What the choosing heads read of MiniLM's states is trained, and what copies go by."""
    norm = masks.model.layers[last].input_layernorm
    norm.weight[CIRCUITS] = norm.bias[CIRCUITS] = 0.0
    heads = [view_head(masks, layer=last, number=i) for i in range(NUM_ANSWERING_HEADS)]
    for head in heads:
        _mask_head(head)
    for number in CHOOSING:
        heads[number].key[RELEVANCE, MEANING] = heads[number].key_bias[RELEVANCE] = 1.0
    for number, rows in MATCHING.items():
        heads[number].query[rows, MEANING] = heads[number].key[rows, MEANING] = 1.0
    heads[CHOOSE_PASSAGE].key[REFUSING, USER] = 1.0
    for number in COPIES:
        heads[number].query[COPY_PARTS] = heads[number].key[COPY_PARTS] = 1.0
