"""The numbers of one training run of quoth-mini."""

from __future__ import annotations

from dataclasses import dataclass, replace

from quoth.decoding.training.curriculum import Stage
from quoth.decoding.training.subspaces import POINTED
from quoth.decoding.training.tasks import TaskShape

_LOWEST = 0.03  # of the rate, at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """The first phase: transplanted blocks are drawn towards MiniLM's states.

    The rate rises over ``warmup_steps`` and falls all the way.
    """

    steps: int
    learning_rate: float = 4e-4
    warmup_steps: int = 20
    max_padded: int = 1700

    def rate(self, step: int) -> float:
        """The learning rate of ``step``, counted from 0."""
        rising = (step + 1) / max(1, self.warmup_steps)
        return self.learning_rate * min(1.0, rising) * max(_LOWEST, 1 - step / self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniRecipe:
    """Size, curriculum and optimiser of a run; the same recipe on any device.

    A step of either phase averages the gradients of ``streams`` micro-batches, each of at most
    ``max_padded`` tokens. The learning rate of joint training rises over ``warmup_steps``, stays,
    and falls from ``falling_rate`` over the last ``decay_share`` of the steps. ``pointer_weights``
    weigh the losses of the heads that choose what to quote, choose a sentence, find an earlier
    answer, know a sentence's second word, and copy (three), beside the loss of answer tokens.
    MiniLM's positions are measured on ``num_texts`` passages, norms set by ``num_prompts`` prompts.
    """

    vocab_size: int
    blocks: int
    distillation: Distillation
    stages: tuple[Stage, ...]
    streams: int = 2
    max_padded: int = 2000
    max_tokens: int = 1100
    learning_rate: float = 2e-4
    falling_rate: float = 1.3e-4
    warmup_steps: int = 40
    decay_share: float = 0.32
    pointer_weights: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7, 0.3, 0.3, 0.3)
    clip_norm: float = 1.0
    num_texts: int = 200
    num_prompts: int = 20
    held_out_share: float = 0.06
    seed: int = 0
    threads: int | None = None
    save_every: int = 50
    evaluate_every: int = 200
    num_evaluated: int = 40

    def __post_init__(self) -> None:
        if not 1 <= self.blocks <= 6:
            raise ValueError(f"{self.blocks} blocks: MiniLM has six, and one is the least")
        if self.streams < 1:
            raise ValueError(f"{self.streams} micro-batches a step")
        if len(self.pointer_weights) != len(POINTED):
            raise ValueError(f"{len(self.pointer_weights)} weights for {len(POINTED)} heads")

    @property
    def joint_steps(self) -> int:
        """Optimiser steps of joint training."""
        return sum(stage.steps for stage in self.stages)

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.distillation.steps + self.joint_steps

    def rate(self, step: int) -> float:
        """The learning rate of a step of joint training, counted from 0."""
        rising = (step + 1) / max(1, self.warmup_steps)
        left = 1 - step / self.joint_steps
        if left > self.decay_share:
            return self.learning_rate * min(1.0, rising)
        return self.falling_rate * min(1.0, rising) * max(_LOWEST, left / self.decay_share)

    @classmethod
    def cpu(cls) -> MiniRecipe:
        """29 M parameters; some hours on two CPU cores, best in two processes (``torchrun``)."""
        return cls(
            vocab_size=14336,
            blocks=6,
            distillation=Distillation(steps=320),
            stages=_stages(1900, 360, 540),
        )

    @classmethod
    def gpu(cls) -> MiniRecipe:
        """The same model with a hundred times the examples, for one GPU."""
        return replace(
            cls.cpu(),
            distillation=Distillation(steps=1000, max_padded=32_000, warmup_steps=100),
            stages=_stages(2000, 1600, 2400),
            max_padded=32_000,
            warmup_steps=200,
            save_every=500,
            evaluate_every=1000,
            num_evaluated=256,
        )

    @classmethod
    def tiny(cls) -> MiniRecipe:
        """A toy of the same shape with two of MiniLM's blocks, for tests."""
        return replace(
            cls.cpu(),
            vocab_size=1024,
            blocks=2,
            distillation=Distillation(steps=10, warmup_steps=2, max_padded=700),
            stages=(Stage(steps=30, shape=_SHORT),),
            streams=1,
            max_padded=700,
            max_tokens=600,
            warmup_steps=5,
            save_every=20,
            evaluate_every=1000,
            num_evaluated=8,
        )


_SHORT = TaskShape(max_passages=2, max_chars=220, real_share=0.3, history_share=0.0)
_MIDDLE = TaskShape(
    min_passages=2,
    max_passages=3,
    max_chars=450,
    real_share=0.65,
    long_share=0.0,
    unanswerable_share=0.15,
    shuffled_share=0.7,
    history_share=0.08,
    joined_share=0.02,
)
_FULL = TaskShape(
    real_share=0.65,
    unanswerable_share=0.18,
    shuffled_share=0.5,
    follow_up_share=0.12,
    forum_share=0.4,
)


def _stages(first: int, middle: int, last: int) -> tuple[Stage, ...]:
    """Short passages; the same with more follow-ups and fewer forum posts; passages at length."""
    mixed = replace(_MIDDLE, follow_up_share=_FULL.follow_up_share, forum_share=_FULL.forum_share)
    return (
        Stage(steps=first, shape=_MIDDLE),
        Stage(steps=middle, shape=mixed),
        Stage(steps=last, shape=_FULL),
    )
