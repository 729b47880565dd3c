"""The forward passes: read a prompt, then check drafts, one pass over (last token + draft) each.

Plain decoding is a pass over an empty draft. The rows of every pass are a multiple of `min_rows`,
the surplus is thrown away: matrix kernels for one row, and for one that is left over behind blocks
of four, round differently from those for four. So a token's logits do not depend on the draft that
it was checked with.
"""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from threading import Lock

import torch
from torch import Tensor
from transformers import PreTrainedModel

from quoth.decoding.cache import KVCache
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import Draft
from quoth.decoding.expert_rows import with_filled_experts
from quoth.decoding.forward import ForwardPass, Rows
from quoth.decoding.packing import Packer
from quoth.decoding.part import Part
from quoth.decoding.rope_border import rope_border

_SLACK = 16  # keys behind a border: a small multiple of the vector width, at least min_rows


_BORDERED = Lock()  # transformers puts the frequencies for long texts into the module itself


class Verifier:
    """One sequence on one model: its cache, and the passes over it.

    Args:
        model: A causal language model in evaluation mode.
        config: Row and key paddings.
        window: Number of positions that the model has.
        packer: Reads drafts that fork; without, there are none.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        config: DecodingConfig,
        *,
        window: int,
        packer: Packer | None = None,
    ) -> None:
        self._packer = packer
        self._model = model
        self._config = config
        self._window = window
        self._border = rope_border(model.config, window)
        self._text: list[int] = []  # known only where there is a border
        self._passed: list[int] = []  # and the rows of the last pass behind it
        self._pass = ForwardPass(with_filled_experts(model, config.min_rows))
        self._cache = self._new_cache()

    def _new_cache(self) -> KVCache:
        config = self._config
        slack = -(-config.min_rows // _SLACK) * _SLACK
        block = config.key_block if config.min_rows > 1 else 0
        return KVCache(
            self._model.config.get_text_config(decoder=True),
            block=block,
            slack=slack,
            most=sys.maxsize if self._pass.takes_positions else self._window,
        )

    @property
    def room(self) -> int:
        """How many draft tokens the next pass may have."""
        length = self._cache.length
        end = self._window if self._border is None or length > self._border else self._border
        return max(0, min(self._cache.room, end - length) - 1)

    @torch.inference_mode()
    def prefill(
        self,
        prompt_ids: Sequence[int],
    ) -> Tensor:  # [1, V] float32
        """Read the prompt; returns the logits after its last token."""
        chunk = self._config.prefill_chunk
        if self._border is not None:
            self._text = list(prompt_ids)
            chunk = chunk if len(prompt_ids) <= self._border else len(prompt_ids)
        for start in range(0, len(prompt_ids), chunk):
            logits = self._forward(prompt_ids[start : start + chunk], rows_needed=1)
        self._cache.finish_prompt()
        return logits.float()

    @property
    def goes_back(self) -> bool:
        """Whether it can roll back; else only to before the last pass."""
        return self._cache.goes_back and self._border is None

    def goes_back_to(self, length: int) -> bool:
        """Whether it can roll back to this length."""
        return self.goes_back and self._cache.goes_back_to(length)

    @property
    def takes_trees(self) -> bool:
        """Whether a draft may fork; where it may not, only its first chain is worth proposing."""
        return self._config.forks and self._packer is not None and self._cache.holds_trees

    @torch.inference_mode()
    def verify(
        self,
        last: int,
        draft: Draft,
    ) -> Tensor:  # [1 + len(draft), V] float32
        """Logits after `last` (row 0) and after every node of the draft (row 1 + node).

        Raises:
            ValueError: The draft forks and this cache cannot hold trees.
        """
        if self._border is not None:
            self._passed = [*self._text, last, *draft.tokens]
            if len(self._text) == self._border:
                return self._read_anew()
        if not draft.is_chain:
            if self._packer is None or not self.takes_trees:
                raise ValueError("a forked draft came to a model that takes chains only")
            return self._packer.logits([self.part(last, draft)])[0]
        num_rows = self._num_rows(draft)
        token_ids = [last, *draft.tokens, *[last] * (num_rows - 1 - len(draft))]
        return self._forward(token_ids, rows_needed=0)[: 1 + len(draft)].float()

    def part(self, last: int, draft: Draft) -> Part:
        """What `verify` would read, for a pass that is computed part by part.

        Raises:
            ValueError: The cache has no key blocks.
        """
        start = self._cache.length
        return Part(
            token_ids=(last, *draft.tokens),
            positions=tuple(start + depth for depth in draft.depths),
            paths=tuple([0, *(node + 1 for node in path)] for path in draft.paths),
            min_rows=self._config.min_rows,
            layers=self._cache.block_layers,
        )

    def _num_rows(self, draft: Draft) -> int:
        """A model with positions or masks of its own has no surplus rows behind its window."""
        rows = 1 + len(draft)
        filled = -(-rows // self._config.min_rows) * self._config.min_rows
        if self._pass.takes_positions and self._config.key_block:
            return filled
        return max(rows, min(filled, self._window - self._cache.length))

    def _read_anew(self) -> Tensor:
        """The whole text with the frequencies for long ones, as `generate` does at this place."""
        self._cache = self._new_cache()
        logits = self._forward(self._passed, rows_needed=1)
        self._cache.finish_prompt()
        return logits.float()

    @torch.inference_mode()
    def keep(self, length: int, nodes: Sequence[int] = ()) -> None:
        """Roll back to the first `length` tokens and, behind them, these nodes of the draft.

        `length` counts the last token that went into the pass, if it is to be kept.
        """
        if self._border is not None:
            behind = [self._passed[length + node] for node in nodes]
            self._text = self._passed = [*self._passed[:length], *behind]
        if nodes:
            self._cache.keep_path(length, nodes)
        else:
            self._cache.truncate(length)

    def _forward(
        self,
        token_ids: Sequence[int],
        *,
        rows_needed: int,  # from the end; 0: all
    ) -> Tensor:  # [rows, V]
        start = self._cache.length
        is_short = self._border is not None and start < self._border and rows_needed == 0
        rows = Rows(
            token_ids=token_ids,
            start=start,
            end=self._border if is_short and self._border is not None else self._window,
            needed=rows_needed,
        )
        with _BORDERED if self._border is not None else nullcontext():
            logits, _ = self._pass(rows, self._cache.states)
        return logits
