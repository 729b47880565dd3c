"""Several processes that train one model: each has its own micro-batches, gradients are added.

``torchrun`` starts them and tells each its place by environment variables; without these there is
one process, and ``torch.distributed`` is not used.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed

from quoth.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch.nn import Parameter

_PATIENCE = timedelta(hours=2)  # the first process reads the material and evaluates alone


@dataclass(frozen=True, slots=True)
class Processes:
    """This process, one of ``size``."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it saves, evaluates and reports."""
        return self.rank == 0

    def streams(self, count: int) -> range:
        """Which of ``count`` streams of micro-batches are this process's."""
        if count % self.size:
            raise InputError(
                f"{count} micro-batches of a step cannot be shared by {self.size} processes. "
                f"Start a number of processes that divides {count}."
            )
        return range(self.rank, count, self.size)

    def device(self, name: str) -> str:
        """One GPU for each process, where the device is just ``cuda``."""
        return f"cuda:{os.environ['LOCAL_RANK']}" if name == "cuda" and self.size > 1 else name

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            torch.distributed.barrier()

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first process does it before the others, which find its files."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def add_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Give every process the sum of all processes' gradients."""
        if self.size == 1:
            return
        gradients = [each.grad for each in parameters if each.grad is not None]
        together = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(together)
        parts = torch.split(together, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


@contextmanager
def joined_processes(*, streams: int) -> Iterator[Processes]:
    """The processes that ``torchrun`` started, or this one alone.

    Raises:
        InputError: The streams of micro-batches cannot be shared by so many.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    Processes(0, size).streams(streams)
    if size == 1:
        yield Processes()
        return
    torch.distributed.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield Processes(torch.distributed.get_rank(), size)
    finally:
        torch.distributed.destroy_process_group()
