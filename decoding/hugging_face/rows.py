"""One row of a batch that `model.generate` hands over: its processors, its criteria, its tokens."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteriaList
from transformers.generation import logits_process

from quoth.decoding.generation import Step
from quoth.errors import ConfigError

_ROW_BY_ROW = frozenset(  # have no memory, and know nothing of the batch that they were made for
    {
        logits_process.EpsilonLogitsWarper,
        logits_process.EtaLogitsWarper,
        logits_process.LogitNormalization,
        logits_process.MinLengthLogitsProcessor,
        logits_process.MinNewTokensLengthLogitsProcessor,
        logits_process.MinPLogitsWarper,
        logits_process.NoRepeatNGramLogitsProcessor,
        logits_process.SuppressTokensLogitsProcessor,
        logits_process.TemperatureLogitsWarper,
        logits_process.TopKLogitsWarper,
        logits_process.TopPLogitsWarper,
        logits_process.TypicalLogitsWarper,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands in its batch: `prompt` is its padded row of `input_ids`, [1, P]."""

    prompt: Tensor
    padding: int
    row: int
    rows: int

    def of_batch(self, tensor: Tensor) -> Tensor:
        """The row's tensor [1, N] as every row of a batch, [rows, N]."""
        return tensor if self.rows == 1 else tensor.expand(self.rows, -1).clone()


class Recorder(LogitsProcessor):
    """Keeps the scores that pass, one [1, V] for each position that was decoded."""

    def __init__(self) -> None:
        self.scores: list[Tensor] = []

    def __call__(
        self,
        input_ids: torch.LongTensor,  # noqa: ARG002 - the interface of transformers
        scores: torch.FloatTensor,
    ) -> torch.FloatTensor:
        """Change nothing."""
        self.scores.append(scores.clone())
        return scores


class BatchProcessors(LogitsProcessor):
    """The batch's processors for one row of it: they see its padding, and its place.

    The row stands for all others, so that what was prepared for a batch fits.
    """

    def __init__(self, processors: LogitsProcessorList, place: Place) -> None:
        self._processors = processors
        self._place = place
        self._padding = place.prompt[:, : place.padding]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Scores of this row, [1, V], processed as in the batch."""
        place, device = self._place, self._padding.device
        prefix = torch.cat((self._padding, input_ids.to(device)), dim=1)
        processed = self._processors(
            cast("torch.LongTensor", place.of_batch(prefix)),
            cast("torch.FloatTensor", place.of_batch(scores.to(device))),
        )
        own = processed[place.row if place.rows > 1 else 0][None]
        return cast("torch.FloatTensor", own.to(scores.device))


def processors_of_row(processors: LogitsProcessorList, place: Place) -> LogitsProcessorList:
    """What to apply to one row; rows of a batch get copies, for processors may have a memory.

    Raises:
        ConfigError: They cannot be copied.
    """
    if not processors or place.rows == 1:
        return LogitsProcessorList([BatchProcessors(processors, place)] if processors else [])
    if all(type(each) in _ROW_BY_ROW for each in processors):
        alone = replace(place, row=0, rows=1)
        return LogitsProcessorList([BatchProcessors(processors, alone)])
    guidance = logits_process.UnbatchedClassifierFreeGuidanceLogitsProcessor
    if any(isinstance(each, guidance) for each in processors):
        raise ConfigError(
            "guidance_scale runs a second model row by row, which is not possible in a batch here; "
            "generate one prompt at a time."
        )
    try:
        copied = copy.deepcopy(processors)
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise ConfigError(
            f"A logits processor cannot be copied for each row of the batch ({error}); generate "
            f"one prompt at a time."
        ) from error
    return LogitsProcessorList([BatchProcessors(copied, place)])


@dataclass(slots=True, kw_only=True)
class Row:
    """One row on its way.

    Attributes:
        place: In its batch.
        steps: The decoder's.
        criteria: Say where the text ends.
        recorders: Of raw logits and of processed scores, where they were asked for.
        tokens: What is generated so far.
        waiting: What the decoder's last step has beyond them.
        is_stopped: Whether a criterion is met.
        last: The decoder's last step.
    """

    place: Place
    steps: Iterator[Step]
    criteria: StoppingCriteriaList
    logits: Recorder | None = None
    scores: Recorder | None = None
    tokens: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    is_stopped: bool = False
    last: Step | None = None

    def next_token(self) -> int | None:
        """One more token; None where the decoder has come to its end."""
        while not self.waiting:
            step = next(self.steps, None)
            if step is None:
                return None
            self.last = step
            self.waiting.extend(step.token_ids)
        self.tokens.append(self.waiting.pop(0))
        return self.tokens[-1]

    def until_stopped(self) -> Iterator[int]:
        """Tokens to the one after which a criterion is met; the criteria are asked after each."""
        prefix = self.place.prompt
        while (token := self.next_token()) is not None:
            prefix = torch.cat((prefix, prefix.new_tensor([[token]])), dim=1)
            self.is_stopped = self._is_done(prefix)
            yield token
            if self.is_stopped:
                return

    def go_on(self, length: int) -> None:
        """Decode to this number of tokens, whatever the criteria say."""
        while len(self.tokens) < length and self.next_token() is not None:
            pass

    def _is_done(self, prefix: Tensor) -> bool:
        place = self.place
        seen = None
        if self.scores is not None:
            kept = self.scores.scores[: len(self.tokens)]
            seen = tuple(place.of_batch(row.to(prefix.device)) for row in kept)
        stopped = self.criteria(
            cast("torch.LongTensor", place.of_batch(prefix)), cast("torch.FloatTensor", seen)
        )
        return bool(stopped[place.row if place.rows > 1 else 0])


def padded(rows: Sequence[Row], length: int, pad: int) -> Tensor:  # [rows, P + length]
    """The prompts and what was generated, filled up on the right."""
    lines = [row.tokens + [pad] * (length - len(row.tokens)) for row in rows]
    added = rows[0].place.prompt.new_tensor(lines)
    return torch.cat((torch.cat([row.place.prompt for row in rows]), added), dim=1)


def stacked(recorders: Sequence[Recorder], lengths: Sequence[int]) -> tuple[Tensor, ...]:
    """One [rows, V] for each position; zeros in rows that have ended."""
    blank = torch.zeros_like(recorders[0].scores[0])
    return tuple(
        torch.cat(
            [
                recorder.scores[position] if position < length else blank
                for recorder, length in zip(recorders, lengths, strict=True)
            ]
        )
        for position in range(max(lengths))
    )
