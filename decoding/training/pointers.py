"""What a micro-batch holds, and the losses of heads that should look at known places.

A pointer's loss is minus the logarithm of the attention that its keys get together. The heads
(``answering``) have nothing in the dimensions that turn with the position, so their attention is a
product of queries and keys as they are projected; but those that copy have slow ones, which are
taken to stand still: over 500 tokens they turn by half a radian at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from quoth.decoding.training.curriculum import padded_width
from quoth.decoding.training.subspaces import COPIES, COPY, POINTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers.models.nemotron.modeling_nemotron import NemotronAttention

    from quoth.decoding.training.encoding import EncodedExample

_MOST = 15.0  # a pointer's loss above this teaches nothing: its answer is out of reach, or wrong
_UNSEEN = -1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The pointers of one head in a micro-batch: N queries with K right keys in all."""

    rows: Tensor  # [N] int64, the example of each query
    queries: Tensor  # [N] int64, its token
    owners: Tensor  # [K] int64, the query of each key
    keys: Tensor  # [K] int64, the key's token

    def to(self, device: torch.device) -> Targets:
        """The same on another device."""
        return Targets(
            rows=self.rows.to(device),
            queries=self.queries.to(device),
            owners=self.owners.to(device),
            keys=self.keys.to(device),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Right-padded examples; causal attention never sees the padding."""

    token_ids: Tensor  # [B, T] int64
    weights: Tensor  # [B, T] float32, loss weight of each token as a target
    pointers: tuple[Targets, ...]  # of each head in POINTED

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(
            token_ids=self.token_ids.to(device),
            weights=self.weights.to(device),
            pointers=tuple(targets.to(device) for targets in self.pointers),
        )


def pad(examples: Sequence[EncodedExample], pad_id: int) -> Batch:
    """Examples as rectangular tensors."""
    width = padded_width(max(len(example.token_ids) for example in examples))

    def rows(lists: Sequence[Sequence[float]], filler: float, dtype: torch.dtype) -> Tensor:
        filled = [[*values, *[filler] * (width - len(values))] for values in lists]
        return torch.tensor(filled, dtype=dtype)

    return Batch(
        token_ids=rows([e.token_ids for e in examples], pad_id, torch.int64),
        weights=rows([e.weights for e in examples], 0.0, torch.float32),
        pointers=tuple(_targets(examples, head) for head in POINTED),
    )


def _targets(examples: Sequence[EncodedExample], head: int) -> Targets:
    own = [
        (row, pointer)
        for row, example in enumerate(examples)
        for pointer in example.pointers
        if pointer.head == (COPY if head in COPIES else head)
    ]
    pairs = [(owner, key) for owner, (_, pointer) in enumerate(own) for key in pointer.keys]
    return Targets(
        rows=torch.tensor([row for row, _ in own], dtype=torch.int64),
        queries=torch.tensor([pointer.query for _, pointer in own], dtype=torch.int64),
        owners=torch.tensor([owner for owner, _ in pairs], dtype=torch.int64),
        keys=torch.tensor([key for _, key in pairs], dtype=torch.int64),
    )


def head_scores(
    attention: NemotronAttention, normed: Tensor, head: int, targets: Targets
) -> Tensor:
    """A head's attention scores from each query of ``targets`` to all tokens, [N, T] float32.

    ``normed`` is what the last layer's ``attention`` reads, [B, T, width].
    """
    size = attention.q_proj.out_features // attention.num_heads
    own = slice(head * size, (head + 1) * size)
    asked, held = (
        F.linear(normed, projection.weight[own], projection.bias[own])
        for projection in (attention.q_proj, attention.k_proj)
    )
    each = (asked @ held.transpose(1, 2))[targets.rows, targets.queries]
    scores: Tensor = each.float() / math.sqrt(size)
    places = torch.arange(normed.shape[1], device=normed.device)
    return scores.masked_fill(places > targets.queries[:, None], _UNSEEN)


def pointer_loss(scores: Tensor, targets: Targets) -> Tensor:
    """Mean over the pointers of minus the logarithm of their keys' attention, each at most 15."""
    if not len(targets.rows):
        return scores.sum()  # of nothing: zero
    right = torch.full_like(scores, _UNSEEN)
    places = (targets.owners, targets.keys)
    right = right.index_put(places, scores[places])
    each = torch.logsumexp(scores, 1) - torch.logsumexp(right, 1)
    return each.clamp(max=_MOST).mean()
