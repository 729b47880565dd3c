"""Penalties for tokens that are there already: of the prompt and the output, or the output alone.

The tokens are counted as they come; a penalised row costs as much as there are different tokens,
not as much as the text is long.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from quoth.decoding.checks import check_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalties:
    """What is taken from the logits of tokens that are there already, in this order.

    `repetition_penalty` (1: none): logits above 0 are divided by it, others multiplied, where the
    token is in the prompt or the output, as Hugging Face and vLLM do (Keskar et al., "CTRL", 2019).
    `frequency_penalty` (0: none) is subtracted as often as the token is in the output, and
    `presence_penalty` (0: none) once if it is there, as OpenAI does.

    Raises:
        ConfigError: A value is out of range.
    """

    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0

    def __post_init__(self) -> None:
        factor = self.repetition_penalty
        rule = "above 0; 1 is no penalty, 1.1 a mild one"
        check_number("repetition_penalty", factor, lambda x: 0 < x < math.inf, rule)
        for name in ("presence_penalty", "frequency_penalty"):
            rule = "finite; 0 is no penalty, and 2 a strong one"
            check_number(name, getattr(self, name), math.isfinite, rule)

    @property
    def are_none(self) -> bool:
        """Whether nothing is taken from any logit."""
        return self == Penalties()


class PenaltyCounts:
    """Which tokens are there already and how often, for one text.

    Args:
        penalties: At least one of them is set.
        prompt_ids: Counted by the repetition penalty only. Tokens without a logit are left out.
        max_new_tokens: How many tokens may come.
    """

    def __init__(
        self, penalties: Penalties, prompt_ids: Sequence[int], *, max_new_tokens: int
    ) -> None:
        self._penalties = penalties
        self._prompt_ids = prompt_ids if penalties.repetition_penalty != 1 else ()
        self._max_new_tokens = max_new_tokens
        self._slots: dict[int, int] = {}  # token -> its place in the two tensors
        self._ids: Tensor | None = None  # [capacity]
        self._counts = torch.zeros(0)  # [capacity], in the output; of prompt tokens 0

    def penalise(
        self,
        row: Tensor,  # [V] float32, changed in place
    ) -> None:
        """Take the penalties from the logits of a position, given the tokens added so far."""
        if self._ids is None:
            self._ids = self._started(row)
        known = len(self._slots)
        ids, counts = self._ids[:known], self._counts[:known]
        scores, penalties = row.index_select(0, ids), self._penalties
        if penalties.repetition_penalty != 1:
            factor = float(penalties.repetition_penalty)
            scores = torch.where(scores < 0, scores * factor, scores / factor)
        scores = scores - float(penalties.frequency_penalty) * counts
        row.scatter_(0, ids, scores - float(penalties.presence_penalty) * (counts > 0))

    def add(self, token: int) -> None:
        """Count one more token of the output; it has been chosen from a penalised row."""
        assert self._ids is not None, "tokens are chosen from rows"
        if token not in self._slots:
            self._ids[len(self._slots)] = token
        slot = self._slots.setdefault(token, len(self._slots))
        self._counts[slot] += 1

    def _started(self, row: Tensor) -> Tensor:
        size = len(row)
        tokens = [token for token in dict.fromkeys(self._prompt_ids) if token < size]
        self._slots = {token: slot for slot, token in enumerate(tokens)}
        capacity = min(size, len(tokens) + self._max_new_tokens)
        self._counts = torch.zeros(capacity, device=row.device)
        ids = torch.zeros(capacity, dtype=torch.long)
        ids[: len(tokens)] = torch.tensor(tokens, dtype=torch.long)
        return ids.to(row.device)
