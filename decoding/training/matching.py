"""Circuits that find out, for every token, where it stands and how it fits the question.

Layer 0 looks at the neighbours, layer 1 at the question, layer 2 at the sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import Fall, orthogonal
from quoth.decoding.training.subspaces import ASSISTANT_SECTION, EMBEDDED, QUESTION_SECTION

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quoth.decoding.training.heads import Head
    from quoth.decoding.training.subspaces import Subspaces

_MATCH_SHARPNESS = 8.0 / EMBEDDED**2
_QUESTION_BONUS = 6.0
_QUESTION_MALUS = -12.0
_POOLING_SHARPNESS = 0.8
_SENTENCE_SHARPNESS = 12.0
_DENSITY = 2.0
_SINK = 200.0
_MARKER_LIFT, _MARKER_FALLS = 600.0, (Fall(180.0, 2100), Fall(180.0, 1450), Fall(120.0, 1000))
_BEGIN_LIFT, _BEGIN_FALLS = 40.0, (Fall(30.0, 150), Fall(100.0, 1500))
_WINDOW_OFFSET = 8
_WINDOW_GAIN = 2.6  # the mean of about eight independent codes is 2.6 times shorter than one


def write_offset(head: Head, offset: int, code: Tensor) -> None:
    """Attend ``offset`` tokens back; write that token's code, and whether a sentence ended."""
    space = head.space
    head.look_back(offset)
    head.carry(code, space.identity, space.earlier(offset), norm=1.0)
    flag = {1: space.begins, 2: space.begun}.get(offset)
    if flag is not None:
        head.value[space.code, space.ends] = 1.0
        head.out[flag, space.code] = 1.0 / head.scale


def write_before(head: Head, code: Tensor) -> None:
    """Attend to a window of tokens further back; write the mean of their codes."""
    head.look_before(_WINDOW_OFFSET)
    head.carry(code, head.space.identity, head.space.before, norm=_WINDOW_GAIN)


def write_section(head: Head) -> None:
    """Attend to the latest marker; write which one it is."""
    markers = slice(head.space.section.start + QUESTION_SECTION, head.space.section.stop)
    _look_to_marker(head, markers, markers)


def write_role(head: Head) -> None:
    """Attend to the latest marker of question or answer; write which one it is."""
    start = head.space.section.start
    markers = slice(start + QUESTION_SECTION, start + ASSISTANT_SECTION + 1)
    _look_to_marker(head, markers, head.space.roles)


def _look_to_marker(head: Head, markers: slice, target: slice) -> None:
    size = markers.stop - markers.start
    head.look_to_latest(markers, lift=_MARKER_LIFT, falls=_MARKER_FALLS)
    head.value[:size, markers] = torch.eye(size)
    head.out[target, :size] = torch.eye(size) / head.scale


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
    head.copy(space.passages, space.votes, gain=1.0)


def write_start(head: Head) -> None:
    """Attend to the first token of this sentence; write it where the output is read.

    In a passage nothing else stands there, and the choice of a sentence takes it from there. An
    answer's tokens attend to the user token, which means nothing.
    """
    space, sink = head.space, head.content[-2]
    begins = slice(space.begins, space.begins + 1)
    head.look_to_latest(begins, lift=_BEGIN_LIFT, falls=_BEGIN_FALLS)
    head.query[sink, space.answering] = head.weight_for(_SINK)
    head.key[sink, space.rest] = head.weight_for(_SINK)
    head.carry(torch.eye(2 * space.block), space.token, space.output, norm=1.0)


def write_density(head: Head, generator: torch.Generator) -> None:
    """Attend evenly to this sentence so far; write how well it matches the question.

    Tokens of one sentence know it by the same first token, which ``write_start`` gave them.
    """
    space = head.space
    rotation = orthogonal(len(head.content) - 2, space.block, generator)
    head.match(space.output_identity, rotation, _SENTENCE_SHARPNESS)
    head.look_around(_POOLING_SHARPNESS)
    head.prefer(head.content[-1], space.section.start + QUESTION_SECTION, _QUESTION_MALUS)
    head.copy(space.matched, space.density, gain=_DENSITY)
