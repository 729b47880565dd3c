"""From the logits of one pass to the model's own token at each node, as plain decoding takes it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from quoth.decoding.request import Request
from quoth.decoding.sampling import Sampling, sample

if TYPE_CHECKING:
    from transformers import LogitsProcessorList

Choose = Callable[[int], int]


class Chooser:
    """Takes tokens from logits for one request; keeps the prefix that logits processors see.

    Without processors one transfer from the device serves all rows of a pass. A processor is called
    exactly as plain decoding calls it: once per output position, in order, with the exact prefix
    (so stateful ones work); that costs a transfer per accepted token.
    """

    def __init__(self, request: Request, device: torch.device) -> None:
        self._sampling: Sampling = request.sampling
        self._processors: LogitsProcessorList | None = request.logits_processor or None
        self._position = 0  # output position of the next token
        self._prefix: Tensor | None = None
        if self._processors is not None:
            self._prefix = torch.tensor([request.prompt_ids], dtype=torch.long, device=device)

    def choices(
        self,
        logits: Tensor,  # [rows, V] float32
    ) -> Choose:
        """A function from node to token, to be called down one path, once per token."""
        if self._processors is not None:
            return lambda node: self._processed(logits[node + 1])
        if self._sampling.is_greedy:
            best: Sequence[int] = logits.argmax(dim=-1).tolist()
            return lambda node: self._counted(best[node + 1])
        table = logits.cpu().numpy()
        return lambda node: self._counted(sample(table[node + 1], self._sampling, self._position))

    def _counted(self, token: int) -> int:
        self._position += 1
        return token

    @torch.inference_mode()
    def _processed(
        self,
        row: Tensor,  # [V] float32
    ) -> int:
        assert self._processors is not None
        assert self._prefix is not None
        prefix, row_scores = cast("torch.LongTensor", self._prefix), row.clone()[None]
        scores = self._processors(prefix, cast("torch.FloatTensor", row_scores))[0]
        if self._sampling.is_greedy:
            token = int(scores.argmax())
        else:
            token = sample(scores.float().cpu().numpy(), self._sampling, self._position)
        added = torch.tensor([[token]], device=self._prefix.device)
        self._prefix = torch.cat((self._prefix, added), dim=1)
        return self._counted(token)
