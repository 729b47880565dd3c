"""One attention head whose weights are written by hand.

Strengths are given as attention scores between flags of 1: norms are calibrated to show the
circuits' dimensions as they are (``calibration``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.subspaces import CONTENT, HEAD_SIZE, NUM_PAIRS, SPEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import NemotronForCausalLM

_EXACT_PAIRS = range(5)  # without the fifth, 378 tokens further back is nearly the same
_OFFSET_SHARPNESS = 14.0


@dataclass(frozen=True, slots=True)
class Fall:
    """A score that falls by ``score * sin(speed * distance)``, at the speed of rotary ``pair``."""

    pair: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Views of one head's weights; ``D`` is the width, ``K`` the head size."""

    query: Tensor  # [K, D]
    key: Tensor  # [K, D]
    value: Tensor  # [K, D]
    out: Tensor  # [D, K]
    query_bias: Tensor  # [K]
    key_bias: Tensor  # [K]
    value_bias: Tensor  # [K]

    def relate(self, cosines: Sequence[float], sines: Sequence[float]) -> None:
        """Add a score of the distance: a sum over the turning pairs."""
        self.query_bias[:NUM_PAIRS] = math.sqrt(HEAD_SIZE)
        self.key_bias[:NUM_PAIRS] += torch.tensor(cosines)
        self.key_bias[NUM_PAIRS : 2 * NUM_PAIRS] += torch.tensor(sines)

    def look_back(self, offset: int) -> None:
        """Attend exactly ``offset`` tokens back."""
        score = _OFFSET_SHARPNESS / sum(1 - math.cos(SPEEDS[pair]) for pair in _EXACT_PAIRS)
        cosines, sines = [0.0] * NUM_PAIRS, [0.0] * NUM_PAIRS
        for pair in _EXACT_PAIRS:
            cosines[pair] = score * math.cos(offset * SPEEDS[pair])
            sines[pair] = score * math.sin(offset * SPEEDS[pair])
        self.relate(cosines, sines)

    def look_to_latest(
        self, place: int, flags: Sequence[int], *, lift: float, falls: Sequence[Fall]
    ) -> None:
        """Attend to the latest token that has one of ``flags``, whatever ``lift`` raises it over.

        A lift multiplies small differences of the norms: only embeddings bear a large one.
        """
        self.prefer(place, flags, lift)
        sines = [0.0] * NUM_PAIRS
        for fall in falls:
            sines[fall.pair] -= fall.score
        self.relate([0.0] * NUM_PAIRS, sines)

    def prefer(self, place: int, flags: Sequence[int], score: float) -> None:
        """Add ``score``, which may be negative, for keys that have one of ``flags``."""
        row, weight = CONTENT.start + place, weight_for(abs(score))
        self.query_bias[row] = weight
        self.key[row, list(flags)] = math.copysign(weight, score)

    def carry(self, source: slice, target: slice, mapping: Tensor | None = None) -> None:
        """Write ``mapping @ residual[source]``, or the residual itself, into ``target``."""
        rows = target.stop - target.start
        self.value[:rows, source] = torch.eye(rows) if mapping is None else mapping
        self.out[target, :rows] = torch.eye(rows)


def weight_for(score: float) -> float:
    """The weight that, in query and key alike, makes inputs of 1 score ``score``."""
    return math.sqrt(score * math.sqrt(HEAD_SIZE))


def view_head(model: NemotronForCausalLM, *, layer: int, number: int) -> Head:
    """A head of ``model``: what is written into its tensors is written into the model."""
    attention = model.model.layers[layer].self_attn
    rows = slice(number * HEAD_SIZE, (number + 1) * HEAD_SIZE)
    return Head(
        query=attention.q_proj.weight[rows],
        key=attention.k_proj.weight[rows],
        value=attention.v_proj.weight[rows],
        out=attention.o_proj.weight[:, rows],
        query_bias=attention.q_proj.bias[rows],
        key_bias=attention.k_proj.bias[rows],
        value_bias=attention.v_proj.bias[rows],
    )


def blank_head(model: NemotronForCausalLM, *, layer: int, number: int) -> Head:
    """A head of ``model`` with all weights set to zero."""
    head = view_head(model, layer=layer, number=number)
    for view in (head.query, head.key, head.value, head.out):
        view.zero_()
    for bias in (head.query_bias, head.key_bias, head.value_bias):
        bias.zero_()
    return head


def orthogonal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """A random map that keeps lengths as far as its shape allows."""
    size = max(rows, columns)
    square: Tensor = torch.linalg.qr(torch.randn(size, size, generator=generator))[0]
    return square[:rows, :columns]
