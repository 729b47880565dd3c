"""Stages from easy to hard, and the batches of each step.

The batch of a step is a function of seed and step alone, so a resumed run sees the same batches.
Batches are padded to their longest example, so examples of similar length are put together.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from quoth.decoding.training.examples import IGNORED, EncodedExample, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from quoth.decoding.training.tasks import Mixture, TaskShape

_GROUP = 8
_WIDTH_STEP = 64  # few distinct shapes: kernels are compiled and cached for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """So many steps of so many examples of one shape."""

    steps: int
    examples: int
    shape: TaskShape

    def __post_init__(self) -> None:
        if self.steps < 1 or self.examples < 1:
            raise ValueError(f"a stage of {self.steps} steps of {self.examples} examples")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Right-padded examples; causal attention never sees the padding."""

    token_ids: Tensor  # [B, T] int64
    weights: Tensor  # [B, T] float32, loss weight of each token as a target
    relevance: Tensor  # [B, T] int64, 1, 0 or IGNORED


class Batches:
    """The batches of a whole run."""

    def __init__(
        self,
        stages: Sequence[Stage],
        mixture: Mixture,
        tokenizer: PreTrainedTokenizerFast,
        *,
        seed: int,
        max_tokens: int,
    ) -> None:
        """Keep what is drawn from; examples longer than ``max_tokens`` are drawn again."""
        self._stages = stages
        self._mixture = mixture
        self._tokenizer = tokenizer
        self._seed = seed
        self._max_tokens = max_tokens
        self._group: tuple[int, int] = (-1, -1)
        self._encoded: list[list[EncodedExample]] = []

    def __len__(self) -> int:
        """The number of steps."""
        return sum(stage.steps for stage in self._stages)

    def __getitem__(self, step: int) -> Batch:
        """The batch of ``step``, counted from 0."""
        begin = 0
        for number, stage in enumerate(self._stages):
            if step < begin + stage.steps:
                group, place = divmod(step - begin, _GROUP)
                if self._group != (number, group):
                    self._encoded = self._draw_group(number, group)
                    self._group = (number, group)
                return pad(self._encoded[place], self._tokenizer.pad_token_id)
            begin += stage.steps
        raise IndexError(f"step {step} of {len(self)}")

    def _draw_group(self, number: int, group: int) -> list[list[EncodedExample]]:
        stage = self._stages[number]
        rng = random.Random(f"{self._seed}:{number}:{group}")
        drawn = [self._draw(stage.shape, rng) for _ in range(_GROUP * stage.examples)]
        drawn.sort(key=lambda example: len(example.token_ids))
        size = stage.examples
        batches = [drawn[begin : begin + size] for begin in range(0, len(drawn), size)]
        rng.shuffle(batches)
        return batches

    def _draw(self, shape: TaskShape, rng: random.Random) -> EncodedExample:
        while True:
            encoded = encode(self._mixture.draw(shape, rng), self._tokenizer)
            if len(encoded.token_ids) <= self._max_tokens:
                return encoded


def pad(examples: Sequence[EncodedExample], pad_id: int) -> Batch:
    """Examples as rectangular tensors."""
    longest = max(len(example.token_ids) for example in examples)
    width = -(-longest // _WIDTH_STEP) * _WIDTH_STEP

    def rows(lists: Sequence[Sequence[float]], filler: float, dtype: torch.dtype) -> Tensor:
        filled = [[*values, *[filler] * (width - len(values))] for values in lists]
        return torch.tensor(filled, dtype=dtype)

    return Batch(
        token_ids=rows([e.token_ids for e in examples], pad_id, torch.int64),
        weights=rows([e.weights for e in examples], 0.0, torch.float32),
        relevance=rows([e.relevance for e in examples], IGNORED, torch.int64),
    )
