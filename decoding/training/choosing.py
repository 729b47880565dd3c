"""Circuits that answer: name the best passage, start its best sentence, and copy on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import orthogonal
from quoth.decoding.training.subspaces import (
    ASSISTANT_SECTION,
    EMBEDDED,
    NUM_PASSAGES,
    QUESTION_SECTION,
)

if TYPE_CHECKING:
    from torch import Tensor

    from quoth.decoding.training.heads import Head

_CHOICE_SHARPNESS = 16.0
_EXCLUDED = 12.0
_SINK = 160.0
_CHOSEN = 4.0
_LIKELY = 6.0
_START = 6.0
_SHARPNESS = (20.0, 10.0, 8.0, 6.0, 6.0)  # last token, second and third last, before, passage
_SHARES = (0.38, 0.22, 0.15, 0.15, 0.1)  # of the dimensions
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
    head.query[head.content[0], assistant] = head.weight_for(_CHOICE_SHARPNESS) / 2
    _rest(head, unless=[assistant])
    head.value[:NUM_PASSAGES, space.passages] = torch.eye(NUM_PASSAGES) / head.scale
    head.out[space.output, :NUM_PASSAGES] = _CHOSEN * markers.T


def write_choice_of_sentence(head: Head) -> None:
    """After the marker, attend to that passage's best match; write its sentence's start."""
    space, content = head.space, head.content
    passages = list(range(space.passages.start, space.passages.stop))
    _look_to_best_match(head)
    head.query[content[0], passages] = head.weight_for(_CHOICE_SHARPNESS) / 2
    for dimension, passage in zip(content[1:], passages, strict=False):
        head.query[dimension, passage] = head.weight_for(_EXCLUDED)
        head.key[dimension, passage] = head.weight_for(_EXCLUDED)
    _rest(head, unless=passages)
    head.copy(space.output, space.output, gain=_CHOSEN)


def _rest(head: Head, *, unless: list[int]) -> None:
    """Attend to the user token, which means nothing, but from the markers of sections ``unless``.

    A marker differs from the words after it: its section counts twice, once from its embedding
    and once from layer 0.
    """
    space, sink = head.space, head.content[-2]
    head.prefer(sink, space.rest, _SINK)
    head.query[sink, space.constant] = 0.8 * head.weight_for(_SINK)
    head.query[sink, unless] = -0.5 * head.weight_for(_SINK)


def _look_to_best_match(head: Head) -> None:
    """Attend where the sentence fits the question best, outside the question and the answer."""
    space, last = head.space, head.content[-1]
    strength = head.weight_for(_EXCLUDED)
    head.key[head.content[0], space.density.start + 1] = head.weight_for(_CHOICE_SHARPNESS)
    head.query[last, space.constant] = strength
    for flag in (space.section.start + QUESTION_SECTION, space.answering):
        head.key[last, flag] = -4.0 * strength
    head.key[last, space.ends] = -4.0 * strength


def write_copy(head: Head, code: Tensor) -> None:
    """Attend to the token after an earlier stretch like the last ones; write that token.

    Worked example: after ``a b c``, the token after an earlier ``a b c`` scores 20 + 10 + 8, one
    after ``x b c`` scores 20 + 10. Where phrases recur, what stood before them decides, and
    whether it is the same passage. At the start of a sentence only starts of sentences count.
    Sentences that fit the question score higher; the question and the answer itself, where it
    would loop, lower. At markers, where nothing is to be copied yet, attend to the user token.
    """
    space = head.space
    *content, likely, begun, said, sink = head.content
    head.prefer(sink, space.rest, _SINK)
    head.query[sink, space.constant] = -1.5 * head.weight_for(_SINK)
    head.query[sink, space.section.start + ASSISTANT_SECTION : space.section.stop] = (
        head.weight_for(_SINK)
    )
    head.prefer(said, space.answering, -_EXCLUDED)
    head.prefer(said, space.section.start + QUESTION_SECTION, -_EXCLUDED)
    head.prefer(likely, space.density.start + 1, _LIKELY)
    head.query[begun, space.begins] = head.weight_for(_START)
    head.key[begun, space.begun] = head.weight_for(_START)
    _compare(head, content, code)
    head.carry(torch.eye(2 * space.block), space.token, space.output, norm=_COPIED)


def _compare(head: Head, content: list[int], code: Tensor) -> None:
    """Score keys by what stands before them and by their passage.

    Each part has dimensions of its own: were they shared, products of unlike parts would be noise
    that can put a worse match first.
    """
    space = head.space
    generator = torch.Generator().manual_seed(1)
    unlike_size = EMBEDDED * math.sqrt(space.code / space.block)
    parts = [
        (space.identity, space.earlier(1), code / unlike_size),
        (space.earlier(1), space.earlier(2), None),
        (space.earlier(2), space.earlier(3), None),
        (space.before, space.before, None),
        (space.passages, space.passages, None),
    ]
    begin = 0
    for (asked, held, mapping), sharpness, share in zip(parts, _SHARPNESS, _SHARES, strict=True):
        rows = content[begin : begin + int(share * len(content))]
        begin += len(rows)
        width = held.stop - held.start
        rotation = orthogonal(len(rows), width, generator) * math.sqrt(width / len(rows))
        rotation *= head.weight_for(sharpness)
        head.query[rows, asked] = rotation if mapping is None else rotation @ mapping
        head.key[rows, held] = rotation
