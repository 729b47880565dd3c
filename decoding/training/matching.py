"""Circuits that find out, for every token, where it stands and how it fits the question.

Layer 0 looks at the neighbours, layer 1 at the question, layer 2 at the sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import orthogonal
from quoth.decoding.training.subspaces import (
    EMBEDDED,
    FIRST_PASSAGE,
    NUM_SECTIONS,
    QUESTION_SECTION,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quoth.decoding.training.heads import Head
    from quoth.decoding.training.subspaces import Subspaces

_MATCH_SHARPNESS = 18.0 / EMBEDDED**2
_QUESTION_BONUS = 6.0
_QUESTION_MALUS = -12.0
_POOLING_SHARPNESS = 0.8
_SENTENCE_SHARPNESS = 12.0


def write_offset(head: Head, offset: int, code: Tensor) -> None:
    """Attend ``offset`` tokens back; write that token's code, and whether a sentence ended."""
    space = head.space
    head.look_back(offset)
    head.carry(code, space.identity, space.earlier(offset), norm=1.0)
    if offset == 1:
        head.value[space.code, space.ends] = 1.0
        head.out[space.begins, space.code] = 1.0 / head.scale


def write_section(head: Head) -> None:
    """Attend to the latest marker; write which one it is."""
    space = head.space
    head.look_to_latest(space.section)
    head.value[:NUM_SECTIONS, space.section] = torch.eye(NUM_SECTIONS)
    head.out[space.section, :NUM_SECTIONS] = torch.eye(NUM_SECTIONS) / head.scale


def write_asked(layer: nn.Module, space: Subspaces, scale: float) -> None:
    """Let through the rarity of the question's tokens: a product needs a gated neuron."""
    gate = layer.get_parameter("gate_proj.weight")[0]
    up = layer.get_parameter("up_proj.weight")[0]
    down = layer.get_parameter("down_proj.weight")
    gate.zero_()
    up.zero_()
    gate[space.section.start + QUESTION_SECTION] = 12.0 / scale
    gate[space.constant] = -6.0 / scale
    up[space.rarity] = 1.0 / scale
    down[:, 0] = 0.0
    down[space.asked, 0] = 2.0 / 6.0


def write_match(head: Head, generator: torch.Generator) -> None:
    """Attend to the same word, best to its place in the question; write that and its rarity."""
    space, question = head.space, head.space.section.start + QUESTION_SECTION
    rotation = orthogonal(len(head.content) - 2, space.block, generator)
    head.match(space.meaning, rotation, _MATCH_SHARPNESS)
    head.prefer(head.content[-1], question, _QUESTION_BONUS)
    head.value[0, question] = 1.0 / head.scale
    head.value[1, space.asked] = 2.0 / head.scale
    head.out[space.matched.start, 0] = 1.0
    head.out[space.matched.start + 1, 1] = 1.0


def write_vote(head: Head, generator: torch.Generator) -> None:
    """Attend to the same word in a passage, not in the question; write where.

    After the passages the question is read again: each of its words then votes for a passage.
    """
    space = head.space
    rotation = orthogonal(len(head.content) - 2, space.block, generator)
    head.match(space.meaning, rotation, _MATCH_SHARPNESS)
    head.prefer(head.content[-1], space.section.start + QUESTION_SECTION, _QUESTION_MALUS)
    passages = slice(space.section.start + FIRST_PASSAGE, space.section.stop)
    head.copy(passages, space.votes, gain=1.0)


def write_start(head: Head, source: slice, target: slice) -> None:
    """Attend to the first token of this sentence; write it where the output is read.

    In a passage nothing else stands there, and the choice of a sentence takes it from there.
    """
    head.look_to_latest(slice(head.space.begins, head.space.begins + 1))
    head.carry(torch.eye(head.space.block), source, target, norm=1.0)


def write_density(head: Head, generator: torch.Generator) -> None:
    """Attend evenly to this sentence so far; write how well it matches the question.

    Tokens of one sentence know it by the same first token, which ``write_start`` gave them.
    """
    space = head.space
    first = slice(space.output.start + space.block, space.output.stop)
    rotation = orthogonal(len(head.content) - 2, space.block, generator)
    head.match(first, rotation, _SENTENCE_SHARPNESS)
    head.look_around(_POOLING_SHARPNESS)
    head.prefer(head.content[-1], space.section.start + QUESTION_SECTION, _QUESTION_MALUS)
    head.copy(space.matched, space.density, gain=2.0)
