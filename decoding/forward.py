"""One call of a model's forward, with the arguments of its class, as `generate` calls it."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

CACHE_ARGUMENTS = ("past_key_values", "cache_params", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The tokens of one pass: `token_ids` stand from position `start` on.

    Logits are wanted of the last `needed` of them, or of all (0). Rows that are thrown away have no
    position of their own: none is counted further than `end`.
    """

    token_ids: Sequence[int]
    start: int
    end: int
    needed: int = 0


class ForwardPass:
    """Calls a model; knows which name its cache has and whether it takes positions.

    Positions are always given where they are taken, counted from 0, because `generate` does so;
    some classes would count others themselves (RoBERTa, from its padding token on).

    Args:
        model: A causal language model in evaluation mode.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        names = inspect.signature(model.forward).parameters
        self._model = model
        self.takes_positions = "position_ids" in names
        self._keeps_logits = "logits_to_keep" in names
        self.cache_argument = next((name for name in CACHE_ARGUMENTS if name in names), None)

    def __call__(
        self,
        rows: Rows,
        states: object | None,
        *,
        use_cache: bool = True,
    ) -> tuple[Tensor, Any]:  # logits [rows, V], and the states after the pass
        """Run the model over `rows`; `states` None: the model begins with states of its own."""
        input_ids = torch.tensor([list(rows.token_ids)], device=self._model.device)
        options: dict[str, Any] = {}
        if self.takes_positions and "position_ids" not in options:
            positions = torch.arange(rows.start, rows.start + len(rows.token_ids))
            positions = positions.clamp(max=rows.end - 1)
            options["position_ids"] = positions[None].to(self._model.device)
        if self._keeps_logits:
            options["logits_to_keep"] = rows.needed
        if use_cache and self.cache_argument is not None:
            options[self.cache_argument] = states
        output = self._model(input_ids=input_ids, use_cache=use_cache, **options)
        after = getattr(output, self.cache_argument or "", None) if use_cache else None
        return output.logits[0, -rows.needed :], after
