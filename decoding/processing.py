"""What changes the logits of a position before a token is taken from them, in Hugging Face's order.

Penalties, then bad words, then the caller's logits processors; temperature and truncation follow
when a token is sampled. A row is processed exactly as plain decoding does it: once per output
position, in order, with the exact prefix; so processors that keep a state work too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from quoth.decoding.bad_words import BadWords
from quoth.decoding.penalties import PenaltyCounts
from quoth.decoding.request import Request
from quoth.errors import ConfigError

if TYPE_CHECKING:
    from transformers import LogitsProcessorList


class Processing:
    """The processing of one text; it is told each token that is taken."""

    def __init__(self, request: Request, device: torch.device) -> None:
        self._counts = (
            None
            if request.penalties.are_none
            else PenaltyCounts(
                request.penalties, request.prompt_ids, max_new_tokens=request.max_new_tokens
            )
        )
        self._bad_words = (
            BadWords(request.bad_words, request.prompt_ids) if request.bad_words else None
        )
        self._processors: LogitsProcessorList | None = request.logits_processor or None
        self._prefix = _Prefix(request.prompt_ids, device) if self._processors is not None else None

    @property
    def is_needed(self) -> bool:
        """Whether it may change a logit at all."""
        rules = (self._counts, self._bad_words, self._processors)
        return any(rule is not None for rule in rules)

    def process(
        self,
        row: Tensor,  # [V] float32, not changed
    ) -> Tensor:  # [V]
        """The logits of the next position, as a token is to be taken from them."""
        banned = self._bad_words.completions() if self._bad_words is not None else ()
        banned = tuple(token for token in banned if token < len(row))
        if self._counts is None and not banned and self._processors is None:
            return row
        row = row.clone()
        if self._counts is not None:
            self._counts.penalise(row)
        if banned:
            row[list(banned)] = -torch.inf
        if self._processors is not None:
            assert self._prefix is not None
            scores = cast("torch.FloatTensor", row[None])
            row = _only_row(self._processors(self._prefix.token_ids, scores), len(row))
        return row

    def add(self, token: int) -> None:
        """This token has been taken."""
        for each in (self._counts, self._bad_words, self._prefix):
            if each is not None:
                each.add(token)


def _only_row(
    scores: object,
    vocabulary_size: int,
) -> Tensor:  # [V] float32
    """What logits processors made of a row.

    Raises:
        ConfigError: They gave something else back.
    """
    if not isinstance(scores, Tensor) or scores.shape != (1, vocabulary_size):
        given = list(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ConfigError(
            f"The logits processors returned {given}; they must return the scores that they are "
            f"given, changed or not: a tensor of [1, {vocabulary_size}]."
        )
    return scores[0].float()


class _Prefix:
    """The prompt and the output so far as one tensor that grows in place."""

    def __init__(self, prompt_ids: Sequence[int], device: torch.device) -> None:
        self._buffer = torch.tensor([prompt_ids], dtype=torch.long, device=device)
        self._length = len(prompt_ids)

    @property
    def token_ids(self) -> torch.LongTensor:  # [1, length]
        return cast("torch.LongTensor", self._buffer[:, : self._length])

    def add(self, token: int) -> None:
        if self._length == self._buffer.shape[1]:
            self._buffer = torch.cat((self._buffer, torch.zeros_like(self._buffer)), dim=1)
        self._buffer[0, self._length] = token
        self._length += 1
