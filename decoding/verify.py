"""The forward passes: read a prompt, then check drafts, one pass over (last token + draft) each.

Plain decoding is a pass over an empty draft. Every pass has at least `min_rows` rows, of which the
surplus is thrown away, because matrix kernels for one row round differently from those for four;
so a token's logits do not depend on the draft that it was checked with.
"""

import inspect
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from quoth.decoding.cache import KVCache
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import Draft

_SLACK = 16  # keys behind a border: a small multiple of the vector width, at least min_rows


class Verifier:
    """One sequence on one model: its cache, and the passes over it.

    Args:
        model: A causal language model in evaluation mode.
        config: Row and key paddings.
        window: Number of positions that the model has.
    """

    def __init__(self, model: PreTrainedModel, config: DecodingConfig, *, window: int) -> None:
        self._model = model
        self._config = config
        self._window = window
        slack = -(-config.min_rows // _SLACK) * _SLACK
        block = config.key_block if config.min_rows > 1 else 0
        self._cache = KVCache(model.config.get_text_config(decoder=True), block=block, slack=slack)
        self._keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters

    @property
    def room(self) -> int:
        """How many draft tokens the next pass may have."""
        return max(0, min(self._cache.room, self._window - self._cache.length) - 1)

    @torch.inference_mode()
    def prefill(
        self,
        prompt_ids: Sequence[int],
    ) -> Tensor:  # [1, V] float32
        """Read the prompt; returns the logits after its last token."""
        chunk = self._config.prefill_chunk
        for start in range(0, len(prompt_ids), chunk):
            logits = self._forward(prompt_ids[start : start + chunk], rows_needed=1)
        self._cache.finish_prompt()
        return logits.float()

    @torch.inference_mode()
    def verify(
        self,
        last: int,
        draft: Draft,
    ) -> Tensor:  # [1 + len(draft), V] float32
        """Logits after `last` (row 0) and after every node of the draft (row 1 + node)."""
        if not draft.is_chain:
            raise NotImplementedError("a forked draft came to the verifier, which checks chains")
        rows = [last, *draft.tokens]
        surplus = [last] * (self._config.min_rows - len(rows))
        return self._forward([*rows, *surplus], rows_needed=0)[: len(rows)].float()

    def keep(self, length: int) -> None:
        """Roll back to the first `length` tokens."""
        self._cache.truncate(length)

    def _forward(
        self,
        token_ids: Sequence[int],
        *,
        rows_needed: int,  # from the end; 0: all
    ) -> Tensor:  # [rows, V]
        input_ids = torch.tensor([list(token_ids)], device=self._model.device)
        options: dict[str, Tensor | int] = {}
        start, end = self._cache.length, self._cache.length + len(token_ids)
        if end > self._window:  # rows that are thrown away have no position of their own
            positions = torch.arange(start, end, device=self._model.device)
            options["position_ids"] = positions.clamp(max=self._window - 1)[None]
        if self._keeps_logits:
            options["logits_to_keep"] = rows_needed
        output = self._model(
            input_ids=input_ids, past_key_values=self._cache.states, use_cache=True, **options
        )
        logits: Tensor = output.logits[0, -rows_needed:]
        return logits
