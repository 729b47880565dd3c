"""Circuits that answer: name the best passage, start its best sentence, and copy on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import orthogonal
from quoth.decoding.training.subspaces import (
    ASSISTANT_SECTION,
    EMBEDDED,
    FIRST_PASSAGE,
    NUM_PASSAGES,
    QUESTION_SECTION,
    USER_SECTION,
)

if TYPE_CHECKING:
    from torch import Tensor

    from quoth.decoding.training.heads import Head

_CHOICE_SHARPNESS = 9.0
_EXCLUDED = 12.0
_SINK = 40.0
_CHOSEN = 4.0
_LIKELY = 6.0
_NGRAM_SHARPNESS = (12.0, 10.0, 8.0)
_COPIED = 2.5


def write_choice_of_passage(head: Head, markers: Tensor) -> None:
    """At the start of the answer, attend to the best match; write its passage's marker.

    Args:
        head: The head to write.
        markers: What the output must hold for each passage's marker, [NUM_PASSAGES, output].
    """
    space = head.space
    assistant = space.section.start + ASSISTANT_SECTION
    _look_to_best_match(head)
    head.query[:, space.constant] = 0.0
    head.query[head.content[0], assistant] = head.weight_for(_CHOICE_SHARPNESS) / 2
    head.query[head.content[-1], space.constant] = -head.weight_for(_EXCLUDED)
    head.query[head.content[-1], assistant] = head.weight_for(_EXCLUDED)
    passages = slice(space.section.start + FIRST_PASSAGE, space.section.stop)
    head.value[:NUM_PASSAGES, passages] = torch.eye(NUM_PASSAGES) / head.scale
    head.out[space.output, :NUM_PASSAGES] = _CHOSEN * markers.T


def write_choice_of_sentence(head: Head, part: slice, user: Tensor) -> None:
    """After the marker, attend to that passage's best match; write its sentence's start.

    Everywhere else attend to the user's role token, whose value is nothing.

    Args:
        head: The head to write.
        part: The part of the output that this head carries.
        user: That part of the user token's embedding.
    """
    space, content = head.space, head.content
    passages = list(range(space.section.start + FIRST_PASSAGE, space.section.stop))
    strength = head.weight_for(_CHOICE_SHARPNESS)
    _look_to_best_match(head)
    head.query[content[0], space.constant] = -strength
    head.query[content[0], space.section.start + ASSISTANT_SECTION] = strength / 2
    head.query[content[0], passages] = strength
    for dimension, passage in zip(content[1:], passages, strict=False):
        head.query[dimension, passage] = head.weight_for(_EXCLUDED)
        head.key[dimension, passage] = head.weight_for(_EXCLUDED)
    role = space.section.start + USER_SECTION
    head.prefer(content[-2], role, _SINK)
    head.query[content[-2], passages] = -0.75 * head.weight_for(_SINK)
    head.copy(part, part, gain=_CHOSEN)
    head.value[: space.block, role] = -0.5 / EMBEDDED * user / head.scale


def _look_to_best_match(head: Head) -> None:
    """Attend where the sentence fits the question best, outside the question and the answer."""
    space, last = head.space, head.content[-1]
    strength = head.weight_for(_EXCLUDED)
    head.key[head.content[0], space.density.start + 1] = head.weight_for(_CHOICE_SHARPNESS)
    head.query[last, space.constant] = strength
    for section in (QUESTION_SECTION, ASSISTANT_SECTION):
        head.key[last, space.section.start + section] = -strength
    head.key[last, space.ends] = -4.0 * strength


def write_copy(head: Head, code: Tensor, source: slice, target: slice) -> None:
    """Attend to the token after an earlier stretch like the last three; write that token.

    Worked example: after ``a b c``, the token after an earlier ``a b c`` scores 12 + 10 + 8, one
    after ``x b c`` scores 12 + 10; sentences that fit the question score a little higher.
    """
    space = head.space
    *content, likely = head.content
    head.prefer(likely, space.density.start + 1, _LIKELY)
    generator = torch.Generator().manual_seed(1)
    for offset, sharpness in enumerate(_NGRAM_SHARPNESS, start=1):
        rotation = head.weight_for(sharpness) * orthogonal(len(content), space.code, generator)
        if offset == 1:
            shrink = EMBEDDED * math.sqrt(space.code / space.block)
            head.query[content, space.identity] = rotation @ code / shrink
        else:
            head.query[content, space.earlier(offset - 1)] = rotation
        head.key[content, space.earlier(offset)] = rotation
    head.carry(torch.eye(space.block), source, target, norm=_COPIED)
