"""The micro-batches of a run: of similar length, and bounded by their padded tokens.

A step draws one micro-batch from each of several streams, whose gradients are averaged. Which one
is a function of seed, stream and step alone, so a resumed run sees the same ones, and so do one
process with two streams and two processes with one each.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quoth.decoding.training.tasks import TaskShape

_GROUP = 16
_WIDTH_STEP = 64  # few distinct shapes: kernels are compiled and cached for each


class Tokenized(Protocol):
    """What has a length in tokens."""

    @property
    def token_ids(self) -> Sequence[int]:
        """The tokens."""


Item = TypeVar("Item", bound=Tokenized)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """So many steps with examples of one shape."""

    steps: int
    shape: TaskShape

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"a stage of {self.steps} steps")


class Batches(Generic[Item]):
    """The micro-batches of one stream."""

    def __init__(
        self,
        parts: Sequence[tuple[int, Callable[[random.Random], Item]]],
        *,
        seed: str,
        max_padded: int,
        max_tokens: int,
    ) -> None:
        """Keep what is drawn from.

        Args:
            parts: Steps of each part of the run, and how an item of it is drawn.
            seed: Names run and stream.
            max_padded: Most tokens of a micro-batch, padding included.
            max_tokens: Most tokens of an item; longer ones are drawn again.
        """
        if padded_width(max_tokens) > max_padded:
            raise ValueError(f"{max_tokens} tokens do not fit into {max_padded} padded ones")
        self._parts, self._seed = parts, seed
        self._max_padded, self._max_tokens = max_padded, max_tokens
        self._group: tuple[int, int] = (-1, -1)
        self._drawn: list[list[Item]] = []

    def __len__(self) -> int:
        """The number of steps."""
        return sum(steps for steps, _ in self._parts)

    def __getitem__(self, step: int) -> list[Item]:
        """The micro-batch of ``step``, counted from 0."""
        begin = 0
        for number, (steps, draw) in enumerate(self._parts):
            if begin <= step < begin + steps:
                group, place = divmod(step - begin, _GROUP)
                if self._group != (number, group):
                    rng = random.Random(f"{self._seed}:{number}:{group}")
                    self._drawn, self._group = self._draw_group(draw, rng), (number, group)
                return self._drawn[place]
            begin += steps
        raise IndexError(f"step {step} of {len(self)}")

    def _draw_group(
        self, draw: Callable[[random.Random], Item], rng: random.Random
    ) -> list[list[Item]]:
        """As many items as fill a group of micro-batches; the one too many is left out."""
        items: list[Item] = []
        packed: list[list[Item]] = []
        while True:
            item = draw(rng)
            if len(item.token_ids) > self._max_tokens:
                continue
            items = sorted([*items, item], key=lambda each: len(each.token_ids))
            fuller = pack(items, max_padded=self._max_padded)
            if len(fuller) > _GROUP:
                rng.shuffle(packed)
                return packed
            packed = fuller


def pack(items: Sequence[Item], *, max_padded: int) -> list[list[Item]]:
    """Items in order of length, cut where one more would pad to more than ``max_padded`` tokens."""
    batches: list[list[Item]] = []
    for item in items:
        width = padded_width(len(item.token_ids))
        if batches and width * (len(batches[-1]) + 1) <= max_padded:
            batches[-1].append(item)
        else:
            batches.append([item])
    return batches


def padded_width(num_tokens: int) -> int:
    """The width to which rows of so many tokens are padded."""
    return -(-num_tokens // _WIDTH_STEP) * _WIDTH_STEP
