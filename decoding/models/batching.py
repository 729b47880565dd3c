"""Can the rows of a batch share forward passes on this model? Tried once, on a few short texts.

A model is believed only if a shared pass gives every bit of the passes that each text has by
itself, and leaves keys behind that go on doing so. Where it does not, rows are decoded one after
another.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from transformers import PreTrainedModel

from quoth.decoding.batch import BatchLoop
from quoth.decoding.draft import Draft
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.loop import DecodeLoop
from quoth.decoding.models.failures import MODEL_FAILURES
from quoth.decoding.models.support import Support
from quoth.decoding.packing import Packer
from quoth.decoding.verify import Verifier

logger = logging.getLogger(__name__)

_SHARES = (1.0, 0.0, 0.5)  # of the drafts, in each pass of the trial: it is wide, narrow, between
_PASSES = len(_SHARES)
_TEXTS = ((1, 0), (4, 2), (9, 5), (6, 24))  # of the trial: tokens before the pass, and drafted
_ROPE_BY_LENGTH = ("dynamic", "longrope")  # angles depend on the longest text of a pass


class Batching:
    """How the rows of a batch are decoded on one model.

    Args:
        model: In evaluation mode.
        support: How the model is decoded with, and the limits of a batch.
        window: Number of positions.
        vocabulary_size: Number of tokens that the model can read.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        support: Support,
        *,
        window: int,
        vocabulary_size: int,
    ) -> None:
        self._model = model
        self._support = support
        self._config = support.config
        self._window = window
        self._vocabulary_size = vocabulary_size
        self._costs: dict[int, CostCurve] = {}

    def loop(self, starts: Sequence[Callable[[], DecodeLoop]]) -> BatchLoop:
        """The rows as one loop, with shared passes where that is possible and of use."""
        packer = None
        if len(starts) > 1 and self._config.max_rows > 1 and self.problem is None:
            packer = Packer(self._model, min_rows=self._config.min_rows)
        return BatchLoop(
            starts, packer=packer, config=self._config, costs=self._cost, clock=time.perf_counter
        )

    def _cost(self, rows: int) -> CostCurve:
        """Each number of rows has a curve of its own, because each row has attention of its own."""
        free_rows = max(rows, self._config.min_rows)
        return self._costs.setdefault(rows, CostCurve(free_rows=free_rows))

    @cached_property
    def problem(self) -> str | None:
        """Why rows cannot share forward passes; None if they can. Tried once, and logged."""
        problem = self._problem()
        if problem is not None:
            logger.warning(
                "The model type %r decodes the rows of a batch one after another: %s.",
                self._model.config.model_type,
                problem,
            )
        return problem

    def _problem(self) -> str | None:
        if self._support.memory != "keys":
            return "it remembers a text by more than keys and values"
        if not self._support.is_row_invariant:
            return "its logits depend on the rows that are computed beside them"
        if _has_rope_by_length(self._model):
            return "its positions are scaled by the longest text of a pass"
        try:
            if self._shared_equals_own():
                return None
        except MODEL_FAILURES as error:
            return f"it cannot read several texts in one pass ({type(error).__name__}: {error})"
        return "a shared pass gave other bits than a pass for each row"

    def _shared_equals_own(self) -> bool:
        """Whether shared passes, with roll-backs between them, give the bits of own ones."""
        packer = Packer(self._model, min_rows=self._config.min_rows)
        own, shared = self._trial_rows(), self._trial_rows()
        for share in _SHARES:
            mine = [row.verifier.verify(*row.step(share)) for row in own]
            ours = packer.logits([row.verifier.part(*row.step(share)) for row in shared])
            if not all(torch.equal(*pair) for pair in zip(mine, ours, strict=True)):
                return False
            for row in (*own, *shared):
                row.go_on()
        return True

    def _trial_rows(self) -> "list[_TrialRow]":
        rows = []
        for number, (length, drafted) in enumerate(_TEXTS):
            drafted = min(drafted, self._config.max_draft_tokens)
            length = max(1, min(length, self._window - drafted - _PASSES))
            text = [
                (5 * place + 7 * number + 2) % self._vocabulary_size
                for place in range(length + _PASSES + drafted)
            ]
            verifier = Verifier(self._model, self._config, window=self._window)
            verifier.prefill(text[:length])
            rows.append(_TrialRow(verifier, text, length, drafted))
        return rows


@dataclass(slots=True)
class _TrialRow:
    """A text on its way; `length` tokens of it are read."""

    verifier: Verifier
    text: Sequence[int]
    length: int
    drafted: int

    def step(self, share: float) -> tuple[int, Draft]:
        last, *coming = self.text[self.length :]
        return last, Draft.chain(coming[: min(int(share * self.drafted), self.verifier.room)])

    def go_on(self) -> None:
        self.length += 1
        self.verifier.keep(self.length)


def _has_rope_by_length(model: PreTrainedModel) -> bool:
    settings: Any = getattr(model.config.get_text_config(decoder=True), "rope_parameters", None)
    kinds = [settings, *settings.values()] if isinstance(settings, dict) else []
    return any(kind.get("rope_type") in _ROPE_BY_LENGTH for kind in kinds if isinstance(kind, dict))
