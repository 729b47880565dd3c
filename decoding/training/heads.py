"""One attention head whose weights are written by hand.

Heads that compare content use the rotary pairs that hardly turn within the context; heads that look
at a distance use the faster ones. Strengths are given as attention scores, for a residual stream of
the expected squared length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from quoth.decoding.training.subspaces import EMBEDDED, Subspaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import LlamaForCausalLM

_SLOW = 1 / 900
_FAST = 1 / 20
_OFFSET_SHARPNESS = 10.0
_WINDOW_SPEEDS = (1 / 100, 1 / 5)
_WINDOW_SHARPNESS = 5.0


@dataclass(frozen=True, slots=True)
class Fall:
    """A score that falls like ``-score * sin(distance / reach)``, steadily up to 1.5 ``reach``."""

    score: float
    reach: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Views of one head's weights, all zero at first; ``D`` is the width, ``K`` the head size."""

    query: Tensor  # [K, D]
    key: Tensor  # [K, D]
    value: Tensor  # [K, D]
    out: Tensor  # [D, K]
    space: Subspaces
    frequencies: tuple[float, ...]
    norm2: float

    @property
    def size(self) -> int:
        """Dimensions of the head."""
        return 2 * len(self.frequencies)

    @property
    def content(self) -> list[int]:
        """Dimensions that hardly turn within the context."""
        slow = [pair for pair, speed in enumerate(self.frequencies) if speed <= _SLOW]
        return [*slow, *[pair + len(self.frequencies) for pair in slow]]

    @property
    def scale(self) -> float:
        """By how much the RMS norm multiplies a residual of the expected length."""
        return math.sqrt(self.space.width / self.norm2)

    def weight_for(self, score: float) -> float:
        """The weight that, in query and key alike, makes unit inputs score ``score``."""
        return math.sqrt(score * math.sqrt(self.size)) / self.scale

    def look_back(self, offset: int) -> None:
        """Attend exactly ``offset`` tokens back."""
        pairs = [pair for pair, speed in enumerate(self.frequencies) if speed > _FAST]
        gap = sum(1 - math.cos(self.frequencies[pair]) for pair in pairs)
        self._peak_at(offset, pairs, _OFFSET_SHARPNESS / gap)

    def look_before(self, offset: int) -> None:
        """Attend to a window of tokens around ``offset`` back, to none that is far away."""
        slowest, fastest = _WINDOW_SPEEDS
        pairs = [p for p, speed in enumerate(self.frequencies) if slowest < speed < fastest]
        self._peak_at(offset, pairs, _WINDOW_SHARPNESS)

    def _peak_at(self, offset: int, pairs: list[int], score: float) -> None:
        strength, constant = self.weight_for(score), self.space.constant
        for pair in pairs:
            angle = offset * self.frequencies[pair]
            self.query[pair, constant] = strength
            self.key[pair, constant] = strength * math.cos(angle)
            self.key[pair + len(self.frequencies), constant] = strength * math.sin(angle)

    def look_to_latest(self, flags: slice, *, lift: float, falls: Sequence[Fall]) -> None:
        """Attend to the latest token that has one of ``flags``.

        ``lift`` raises flagged tokens above all others; the score falls with the distance by
        ``falls``. A large lift multiplies small differences of the residual's length, so only
        flags from embeddings, which are equally long, bear one.
        """
        used: set[int] = set()
        for fall in falls:
            pair = min(
                set(range(len(self.frequencies))) - used,
                key=lambda pair: abs(math.log(self.frequencies[pair] * fall.reach)),
            )
            used.add(pair)
            strength = self.weight_for(fall.score)
            self.query[pair, self.space.constant] = strength
            self.key[pair + len(self.frequencies), flags] = -strength
        self.prefer(self.content[-1], flags, lift)

    def look_around(self, sharpness: float) -> None:
        """Attend to near tokens a little more than to far ones."""
        strength = self.weight_for(sharpness)
        for pair, speed in enumerate(self.frequencies):
            if _SLOW < speed < _FAST:
                self.query[pair, self.space.constant] = strength
                self.key[pair, self.space.constant] = strength

    def match(self, source: slice, rotation: Tensor, sharpness: float) -> None:
        """Attend to tokens alike in ``source``, compared in the first content dimensions."""
        rows = self.content[: rotation.shape[0]]
        self.query[rows, source] = self.weight_for(sharpness) * rotation
        self.key[rows, source] = self.weight_for(sharpness) * rotation

    def prefer(self, dimension: int, flags: slice | int, score: float) -> None:
        """Add ``score``, which may be negative, for keys that have one of ``flags``."""
        strength = self.weight_for(abs(score))
        self.query[dimension, self.space.constant] = strength
        self.key[dimension, flags] = math.copysign(strength, score)

    def carry(self, mapping: Tensor, source: slice, target: slice, norm: float) -> None:
        """Write ``mapping @ residual[source]`` into ``target`` with the given length."""
        rows = mapping.shape[0]
        shrink = EMBEDDED * math.sqrt(rows / mapping.shape[1])
        gain = math.sqrt(norm / (shrink * self.scale))
        self.value[:rows, source] = gain * mapping
        self.out[target, :rows] = gain * torch.eye(rows)

    def copy(self, source: slice, target: slice, gain: float) -> None:
        """Write ``gain`` times the residual's ``source`` into ``target``."""
        rows = source.stop - source.start
        self.value[:rows, source] = torch.eye(rows) / self.scale
        self.out[target, :rows] = gain * torch.eye(rows)


def blank_head(model: LlamaForCausalLM, *, layer: int, head: int, norm2: float) -> Head:
    """A head of ``model`` with all weights zero, to be written through the views it holds."""
    config = model.config
    size = int(config.head_dim or 0)
    rows = slice(head * size, (head + 1) * size)
    attention = model.model.layers[layer].self_attn
    theta = cast("dict[str, float]", config.rope_parameters)["rope_theta"]
    frequencies = torch.pow(theta, -2.0 * torch.arange(size // 2) / size)
    blank = Head(
        query=attention.q_proj.weight[rows],
        key=attention.k_proj.weight[rows],
        value=attention.v_proj.weight[rows],
        out=attention.o_proj.weight[:, rows],
        space=Subspaces(width=config.hidden_size),
        frequencies=tuple(frequencies.tolist()),
        norm2=norm2,
    )
    for weight in (blank.query, blank.key, blank.value, blank.out):
        weight.zero_()
    return blank


def orthogonal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """A random map that keeps lengths as far as its shape allows."""
    size = max(rows, columns)
    square: Tensor = torch.linalg.qr(torch.randn(size, size, generator=generator))[0]
    return square[:rows, :columns]
