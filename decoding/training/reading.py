"""Circuits of the first two layers: what stands before each token, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import Fall, blank_head, orthogonal, view_head
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEFORE,
    BEGINS,
    BEGUN,
    EARLIER,
    ENDS,
    NUM_BLOCK_HEADS,
    PASSAGES,
    QUESTION,
    START,
    WORD,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import NemotronForCausalLM


from quoth.decoding.training.heads import Head

NUM_READING_HEADS = {0: 4, 1: 2}
"""How many heads of each layer these circuits have, after those of the block."""

_WORD_SIZE = WORD.stop - WORD.start
_EARLIER_SIZE = EARLIER[0].stop - EARLIER[0].start
_START_SIZE = START.stop - START.start
_SECTIONS = (QUESTION, ASSISTANT, *range(PASSAGES.start, PASSAGES.stop))
_SECTION_FALLS = (Fall(7, 400.0), Fall(6, 150.0), Fall(5, 45.0))
_ROLE_FALLS = (Fall(7, 900.0), Fall(6, 200.0))
_SENTENCE_FALLS = (Fall(5, 40.0), Fall(4, 25.0), Fall(3, 4.0))
_SECTION_LIFT, _ROLE_LIFT, _SENTENCE_LIFT = 600.0, 1200.0, 70.0
_AT_ONCE = 10.0
"""An answer's first marker stands right behind the assistant's: it must win from there."""

_WINDOW_PLACE, _WINDOW_PAIRS, _WINDOW_SCORE = 7, (1, 2), 6.0
_WINDOW_GAIN = 2.6  # the mean of about eight independent codes is 2.6 times shorter than one


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Maps from a word's code to that of an earlier token, and of a sentence's first token."""

    earlier: Tensor  # [14, 39]
    start: Tensor  # [32, 39]


def draw_codes(generator: torch.Generator) -> Codes:
    """Random maps that keep lengths on average."""
    earlier, start = (
        orthogonal(size, _WORD_SIZE, generator) * math.sqrt(_WORD_SIZE / size)
        for size in (_EARLIER_SIZE, _START_SIZE)
    )
    return Codes(earlier=earlier, start=start)


@torch.no_grad()
def written_codes(model: NemotronForCausalLM) -> Codes:
    """The maps that ``model``'s circuits have."""
    last_word = view_head(model, layer=0, number=NUM_BLOCK_HEADS)
    start = view_head(model, layer=1, number=NUM_BLOCK_HEADS + 1)
    return Codes(
        earlier=last_word.value[:_EARLIER_SIZE, WORD].clone(),
        start=start.value[:_START_SIZE, WORD].clone(),
    )


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
    _write_before(second[0], codes.earlier)
    _write_start(second[1], codes.start)


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


def _write_before(head: Head, code: Tensor) -> None:
    """Attend to a window of tokens further back; write the mean of their codes."""
    head.look_around(_WINDOW_PLACE, _WINDOW_PAIRS, _WINDOW_SCORE)
    head.carry(WORD, BEFORE, _WINDOW_GAIN * code[: BEFORE.stop - BEFORE.start])


def _write_start(head: Head, code: Tensor) -> None:
    """Attend to the first token of this sentence; write its code."""
    head.look_to_latest(31, (BEGINS,), lift=_SENTENCE_LIFT, falls=_SENTENCE_FALLS)
    head.carry(WORD, START, code)
