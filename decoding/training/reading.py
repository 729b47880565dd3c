"""Circuits of the first two layers: what stands before each token, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import Fall, blank_head, orthogonal, view_head, weight_for
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEGINS,
    BEGUN,
    EARLIER,
    ENDS,
    MARKER,
    NUM_BLOCK_HEADS,
    PASSAGES,
    QUESTION,
    SECOND,
    START,
    USER,
    WORD,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import NemotronForCausalLM

    from quoth.decoding.training.heads import Head

NUM_READING_HEADS = {0: 4, 1: 4}
"""How many heads of each layer these circuits have, after those of the block."""

_WORD_SIZE = WORD.stop - WORD.start
_EARLIER_SIZE = EARLIER[0].stop - EARLIER[0].start
_CONTEXT_SIZE = EARLIER[1].stop - EARLIER[1].start
_START_SIZE = START.stop - START.start
_SECTIONS = (QUESTION, ASSISTANT, *range(PASSAGES.start, PASSAGES.stop))
_SECTION_FALLS = (Fall(7, 400.0), Fall(6, 150.0), Fall(5, 45.0))
_ROLE_FALLS = (Fall(7, 900.0), Fall(6, 200.0))
_SENTENCE_FALLS = (Fall(6, 350.0), Fall(7, 600.0))  # faster pairs come round within a prompt
_SECTION_LIFT, _ROLE_LIFT, _SENTENCE_LIFT = 600.0, 1200.0, 160.0
_AT_ONCE = 10.0
"""An answer's first marker stands right behind the assistant's: it must win from there."""

_FADING = 0.6
"""How much shorter each further token back is in the context."""

_ASKING = 600.0
"""In questions the second words of sentences are not looked for: the user's marker wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Maps from a word's code to that of an earlier token, and of a sentence's first token."""

    earlier: Tensor  # [14, 39]
    start: Tensor  # [32, 39]
    further: Tensor  # [10, 10], from the code of one token back in the context to the next

    @property
    def second(self) -> Tensor:
        """The map to the code of a sentence's second token, [10, 39]."""
        size = SECOND.stop - SECOND.start
        return self.earlier[:size] * math.sqrt(_EARLIER_SIZE / size)


def draw_codes(generator: torch.Generator) -> Codes:
    """Random maps that keep lengths on average."""
    earlier, start = (
        orthogonal(size, _WORD_SIZE, generator) * math.sqrt(_WORD_SIZE / size)
        for size in (_EARLIER_SIZE, _START_SIZE)
    )
    further = _FADING * orthogonal(_CONTEXT_SIZE, _CONTEXT_SIZE, generator)
    return Codes(earlier=earlier, start=start, further=further)


@torch.no_grad()
def written_codes(model: NemotronForCausalLM) -> Codes:
    """The maps that ``model``'s circuits have."""
    last_word = view_head(model, layer=0, number=NUM_BLOCK_HEADS)
    start = view_head(model, layer=1, number=NUM_BLOCK_HEADS + 1)
    context = view_head(model, layer=1, number=NUM_BLOCK_HEADS + 2)
    earlier = last_word.value[:_EARLIER_SIZE, WORD].clone()
    further = context.value[:_CONTEXT_SIZE, WORD] @ torch.linalg.pinv(earlier[:_CONTEXT_SIZE])
    return Codes(earlier=earlier, start=start.value[:_START_SIZE, WORD].clone(), further=further)


def write_reading(model: NemotronForCausalLM, codes: Codes) -> None:
    """Write them all; in a model of one block the second layer's have no reader."""
    first, second = (
        [blank_head(model, layer=layer, number=NUM_BLOCK_HEADS + i) for i in range(count)]
        for layer, count in NUM_READING_HEADS.items()
    )
    _write_offset(first[0], 1, BEGINS, codes.earlier)
    _write_offset(first[1], 2, BEGUN, codes.earlier)
    _write_section(first[2])
    _write_role(first[3])
    _write_second(second[0], codes.second)
    _write_start(second[1], codes.start)
    for head, offset in zip(second[2:], (3, 4), strict=True):
        _write_context(head, offset, codes)


def _write_offset(head: Head, offset: int, flag: int, code: Tensor) -> None:
    """Attend ``offset`` back; write that token's code, and whether a sentence ended there."""
    target = EARLIER[offset - 1]
    rows = target.stop - target.start
    head.look_back(offset)
    head.carry(WORD, target, code[:rows])
    head.value[rows, ENDS] = 1.0
    head.out[flag, rows] = 1.0


def _write_section(head: Head) -> None:
    """Attend to the latest marker; write which one it is."""
    head.look_to_latest(31, _SECTIONS, lift=_SECTION_LIFT, falls=_SECTION_FALLS)
    head.key[-1, PASSAGES] *= 1 + _AT_ONCE / _SECTION_LIFT
    for row, flag in enumerate(_SECTIONS):
        head.value[row, flag] = head.out[flag, row] = 1.0


def _write_role(head: Head) -> None:
    """Attend to the latest marker of question or answer; write whether it is an answer's."""
    head.look_to_latest(31, (QUESTION, ASSISTANT), lift=_ROLE_LIFT, falls=_ROLE_FALLS)
    head.value[0, ASSISTANT] = head.out[ANSWERING, 0] = 1.0


def _write_context(head: Head, offset: int, codes: Codes) -> None:
    """Attend ``offset`` back; add that token's code, turned, to that of the token two back."""
    turned = torch.linalg.matrix_power(codes.further, offset - 2)
    head.look_back(offset)
    head.carry(WORD, EARLIER[1], turned @ codes.earlier[:_CONTEXT_SIZE])


def _write_second(head: Head, code: Tensor) -> None:
    """Attend to the second token of this sentence; write its code, but nothing in questions.

    Behind a blank line and a marker a sentence's first token is also a second one: it counts not.
    """
    head.look_to_latest(31, (BEGUN,), lift=_SENTENCE_LIFT, falls=_SENTENCE_FALLS)
    head.key[-1, BEGINS] = -head.key[-1, BEGUN]
    head.query[-2, QUESTION] = head.key[-2, USER] = weight_for(_ASKING)
    head.carry(WORD, SECOND, code)


def _write_start(head: Head, code: Tensor) -> None:
    """Attend to the first token of this sentence, which no marker is; write its code."""
    head.look_to_latest(31, (BEGINS,), lift=_SENTENCE_LIFT, falls=_SENTENCE_FALLS)
    head.key[-1, MARKER] = -head.key[-1, BEGINS]
    head.carry(WORD, START, code)
