"""Verification for models whose memory cannot be cut: put it back, read again what was right.

Recurrent states hold the whole text in one place: a rejected draft cannot be cut off them. So they
are copied before a drafted pass. Unless the draft is accepted whole, the copy takes their place,
and the accepted tokens are read once more at the head of the next pass: a rejection costs rows, and
no pass. A model without any memory is served alike: every pass reads the whole text.
"""

import operator
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import Draft
from quoth.decoding.forward import ForwardPass, Rows
from quoth.decoding.state_copies import copy_of_states

MOST_REREAD = 32  # tokens at the head of a pass; then one pass without a draft takes them in

Memory = Literal["states", "own states", "text"]


class RereadingVerifier:
    """One sequence on one model whose memory is put back; the same face as `Verifier`.

    Args:
        model: A causal language model in evaluation mode.
        config: `max_draft_tokens` 0 means passes of one row, for models that take no more.
        window: Number of positions that the model has.
        memory: What the model keeps: states in a cache of transformers', states of a kind of its
            own, or nothing but the text.
    """

    takes_trees = False

    def __init__(
        self, model: PreTrainedModel, config: DecodingConfig, *, window: int, memory: Memory
    ) -> None:
        self._forward = ForwardPass(model)
        self._config = config
        self._window = window
        self._has_states = memory != "text"
        self._states: Any = DynamicCache(config=model.config) if memory == "states" else None
        self._before: Any = None  # the states before the last pass, if it may be undone
        self._text: list[int] = []
        self._read = 0  # so many tokens of the text are in the states
        self._is_ahead = False  # the states have gone over rows that may be rejected
        self._passed: list[int] = []  # the text and the rows of the last pass

    def goes_back_to(self, length: int) -> bool:  # noqa: ARG002 - to none but the last
        """Whether it can roll back to any length: states cannot."""
        return False

    @property
    def room(self) -> int:
        """How many draft tokens the next pass may have."""
        if not self._config.max_draft_tokens:
            return 0
        if self._has_states and len(self._text) - self._read >= MOST_REREAD:
            return 0
        return max(0, self._window - len(self._text) - 1)

    @torch.inference_mode()
    def prefill(
        self,
        prompt_ids: Sequence[int],
    ) -> Tensor:  # [1, V] float32
        """Read the prompt; returns the logits after its last token."""
        chunk = self._config.prefill_chunk if self._has_states else len(prompt_ids)
        self._text = list(map(operator.index, prompt_ids))
        for start in range(0, len(prompt_ids), chunk):
            logits = self._run(self._text[start : start + chunk], start=start, needed=1)
        self._read = len(prompt_ids) if self._has_states else 0
        self._passed = self._text
        return logits.float()

    @torch.inference_mode()
    def verify(
        self,
        last: int,
        draft: Draft,
    ) -> Tensor:  # [1 + len(draft), V] float32
        """Logits after `last` (row 0) and after every node of the draft (row 1 + node).

        Raises:
            ValueError: The draft forks.
        """
        if not draft.is_chain:
            raise ValueError("a forked draft came to a model that takes chains only")
        self._before = copy_of_states(self._states) if self._has_states and len(draft) else None
        self._is_ahead = self._has_states
        self._passed = [*self._text, last, *draft.tokens]
        rows = self._passed[self._read :]
        return self._run(rows, start=self._read, needed=1 + len(draft)).float()

    def keep(self, length: int, nodes: Sequence[int] = ()) -> None:
        """Roll back to the first `length` tokens and, behind them, these nodes of the draft.

        Raises:
            ValueError: So many tokens are not there, or the pass that read them was final.
        """
        length += len(nodes)
        if list(nodes) != list(range(len(nodes))) or not self._read <= length <= len(self._passed):
            raise ValueError(f"the cache cannot keep {length} tokens ending with nodes {nodes}")
        if self._is_ahead and length == len(self._passed):
            self._read = length
        elif self._is_ahead:
            if self._before is None:
                raise ValueError("a pass without a draft cannot be rolled back")
            self._states = self._before
        self._is_ahead = False
        self._before = None
        self._text = self._passed = self._passed[:length]

    def _run(self, token_ids: Sequence[int], *, start: int, needed: int) -> Tensor:
        rows = Rows(token_ids=token_ids, start=start, end=self._window, needed=needed)
        logits, after = self._forward(rows, self._states, use_cache=self._has_states)
        if self._has_states:
            self._states = after
        return logits[-needed:]
