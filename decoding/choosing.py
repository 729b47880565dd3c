"""From the logits of one pass to the model's own token at each node, as plain decoding takes it."""

from collections.abc import Callable

import torch
from torch import Tensor

from quoth.decoding.processing import Processing
from quoth.decoding.request import Request
from quoth.decoding.sampling import sample
from quoth.errors import NoTokenError

Choose = Callable[[int], int]


class Chooser:
    """Takes tokens from logits for one request; keeps what the next token depends on.

    Greedy decoding without further options costs one argmax and one transfer per pass, for all its
    rows. Otherwise each accepted token costs a transfer: of its row, or, if greedy, of the token.
    """

    def __init__(self, request: Request, device: torch.device) -> None:
        self._sampling = request.sampling
        self._processing = Processing(request, device)
        self._position = 0  # output position of the next token

    def choices(
        self,
        logits: Tensor,  # [rows, V] float32, not changed
    ) -> Choose:
        """A function from node to token, to be called down one path, once per token.

        It raises `NoTokenError` where no token can be taken.
        """
        if self._processing.is_needed or not self._sampling.is_greedy:
            return lambda node: self._chosen(logits[node + 1])
        best = _best(logits)
        return lambda node: self._counted(best[node + 1], logits[node + 1])

    def scores(
        self,
        row: Tensor,  # [V] float32, not changed
    ) -> Tensor:  # [V]
        """What a token is taken from at the next position; nothing is taken yet."""
        return self._processing.process(row)

    @torch.inference_mode()
    def _chosen(
        self,
        row: Tensor,  # [V] float32
    ) -> int:
        row = self._processing.process(row)
        if self._sampling.is_greedy:
            return self._counted(_best(row[None])[0], row)
        return self._counted(sample(row.cpu().numpy(), self._sampling, self._position), row)

    def _counted(self, token: int, row: Tensor) -> int:
        if token < 0:
            raise NoTokenError(position=self._position, best=float(row.max()))
        self._position += 1
        self._processing.add(token)
        return token


def _best(
    logits: Tensor,  # [rows, V]
) -> list[int]:
    """The most likely token of each row, the first of equals; -1 for rows of -inf or with a NaN."""
    if logits.device.type == "cpu":  # where NumPy takes a tenth of the time
        table = logits.numpy()
        best = torch.from_numpy(table.argmax(axis=-1))
    else:
        best = logits.argmax(dim=-1)
    is_possible = logits.gather(-1, best[:, None])[:, 0] > -torch.inf
    found: list[int] = torch.where(is_possible, best, -1).tolist()
    return found
