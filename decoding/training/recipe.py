"""The numbers of one training run of quoth-mini."""

from __future__ import annotations

from dataclasses import dataclass, replace

from transformers import LlamaConfig

from quoth.decoding.training.curriculum import Stage
from quoth.decoding.training.tasks import TaskShape

_ROPE_THETA = 1e8


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniRecipe:
    """Shape, curriculum and optimiser of a run; the same recipe on any device.

    The learning rate rises over ``warmup_steps``, stays, and falls linearly to zero over
    ``decay_share`` of the steps; the last ``polish_steps`` begin at ``polish_rate`` and fall to
    zero once more. ``relevance_weight`` weighs the auxiliary loss that asks every passage token of
    layer ``relevance_layer`` whether it stands in the sentence to be quoted.
    """

    vocab_size: int
    width: int
    heads: int
    head_size: int
    layers: int
    feed_forward: int
    stages: tuple[Stage, ...]
    learning_rate: float = 4e-4
    warmup_steps: int = 150
    decay_share: float = 0.35
    polish_steps: int = 0
    polish_rate: float = 2e-4
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    relevance_layer: int = 4
    relevance_weight: float = 0.5
    max_tokens: int = 2048
    held_out_share: float = 0.06
    seed: int = 0
    threads: int | None = None
    save_every: int = 100
    evaluate_every: int = 200
    num_evaluated: int = 40

    def __post_init__(self) -> None:
        if self.head_size < 2 or self.head_size % 2:
            raise ValueError(f"head size {self.head_size} is not even")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.heads} heads")
        if not 0 < self.relevance_layer <= self.layers:
            raise ValueError(f"relevance layer {self.relevance_layer} of {self.layers}")

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return sum(stage.steps for stage in self.stages)

    def rate(self, step: int) -> float:
        """The learning rate of ``step``, counted from 0."""
        main_steps = self.steps - self.polish_steps
        if step >= main_steps:
            return self.polish_rate * (self.steps - step) / self.polish_steps
        rising = (step + 1) / max(1, self.warmup_steps)
        falling = (main_steps - step) / max(1.0, self.decay_share * main_steps)
        return self.learning_rate * min(1.0, rising, falling)

    def config(self) -> LlamaConfig:
        """The model's shape as ``transformers`` knows it."""
        return LlamaConfig(
            vocab_size=self.vocab_size,
            hidden_size=self.width,
            intermediate_size=self.feed_forward,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            head_dim=self.head_size,
            max_position_embeddings=2048,
            rope_parameters={"rope_type": "default", "rope_theta": _ROPE_THETA},
            tie_word_embeddings=False,
            bos_token_id=None,
        )

    @classmethod
    def cpu(cls) -> MiniRecipe:
        """About 16 M parameters, an hour and a half on two CPU cores."""
        return cls(
            vocab_size=8192,
            width=384,
            heads=6,
            head_size=96,
            layers=6,
            feed_forward=640,
            stages=(
                Stage(steps=400, examples=16, shape=_MIDDLE),
                Stage(steps=900, examples=16, shape=_FULL),
                Stage(steps=300, examples=16, shape=_FULL),
            ),
            polish_steps=300,
        )

    @classmethod
    def gpu(cls) -> MiniRecipe:
        """About 28 M parameters and fifty times the examples, for one GPU."""
        return replace(
            cls.cpu(),
            width=480,
            layers=8,
            feed_forward=1024,
            relevance_layer=5,
            stages=(
                Stage(steps=1000, examples=128, shape=_SHORT),
                Stage(steps=3000, examples=96, shape=_MIDDLE),
                Stage(steps=12000, examples=96, shape=_FULL),
            ),
            polish_steps=0,
            save_every=1000,
            evaluate_every=2000,
            num_evaluated=256,
        )

    @classmethod
    def tiny(cls) -> MiniRecipe:
        """A toy of the same shape that learns to copy within a minute, for tests."""
        return replace(
            cls.cpu(),
            vocab_size=1024,
            width=192,
            head_size=48,
            layers=5,
            feed_forward=256,
            relevance_layer=4,
            stages=(Stage(steps=60, examples=16, shape=_SHORT),),
            polish_steps=0,
            warmup_steps=10,
            save_every=20,
            evaluate_every=1000,
            num_evaluated=16,
        )


_SHORT = TaskShape(max_passages=2, max_chars=220, real_share=0.3, history_share=0.0)
_MIDDLE = TaskShape(
    min_passages=2,
    max_passages=3,
    max_chars=450,
    real_share=0.5,
    shuffled_share=0.8,
    history_share=0.05,
)
_FULL = TaskShape(max_passages=5, max_chars=800, real_share=0.6, unanswerable_share=0.18)
