"""The two heads of the last layer that copy a sentence once begun, and end the turn behind it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import orthogonal, weight_for
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEGINS,
    BEGUN,
    CONTENT,
    EARLIER,
    ENDS,
    IDENTITY,
    MARKER,
    NUM_PAIRS,
    PASSAGES,
    QUESTION,
    SECOND,
    START,
    WORD,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quoth.decoding.training.heads import Head
    from quoth.decoding.training.reading import Codes

COPY_PARTS = slice(16, 46)
"""Rows of the copying head that compare what stands before."""

SPOKEN = 15.0
"""Length of a code that is to be said."""

IDLE = -1
"""The row of a head by which it looks at a marker that means nothing, if nothing is to be done."""

IDLE_SCORE = 400.0

_PARTS = ((35.2, 11), (19.2, 7), (8.0, 4), (16.0, 7))
"""Score and rows of what a copy goes by: last token, those before, a sentence's second, first."""

_LAST = slice(EARLIER[0].start, EARLIER[0].start + 10)  # as much as the context has of a token
_NEAREST = 0.85  # of the context's weight, since there is more of it than one token
_AT_START = 19.2
_NOT_QUESTION, _NOT_AGAIN = 15.0, 4.0
_SAME_PASSAGE = 10.0
_SLOW = (6, 6 + NUM_PAIRS, 7, 7 + NUM_PAIRS)
"""Dimensions that turn so little that within a prompt they are nearly as good as still ones."""

_ENDED = 24.0


def write_copy(head: Head, codes: Codes, generator: torch.Generator) -> None:
    """Attend to the token after an earlier stretch like the last ones; say that token.

    After ``a b c``, the token after an earlier ``b c`` scores 35 + 19, one after ``x c`` 35. Where
    phrases recur, the first two words of the sentence and the passage named decide. What this
    answer has said comes after what it is copied from; behind markers there is nothing to copy.

    Args:
        head: A blank one.
        codes: How the first two layers' circuits write earlier tokens.
        generator: Draws how codes share the head's rows.
    """
    sources = (
        ([(WORD, codes.earlier)], EARLIER[0]),
        ([(_LAST, _NEAREST * torch.eye(10)), (EARLIER[1], _NEAREST * codes.further)], EARLIER[1]),
        ([(SECOND, torch.eye(SECOND.stop - SECOND.start))], SECOND),
        ([(START, torch.eye(START.stop - START.start))], START),
    )
    row = COPY_PARTS.start
    for (asked, held), (score, count) in zip(sources, _PARTS, strict=True):
        width = held.stop - held.start
        turned = orthogonal(count, width, generator) * math.sqrt(width / count) * weight_for(score)
        rows = slice(row, row + count)
        for source, mapping in asked:
            head.query[rows, source] = turned @ mapping
        head.key[rows, held] = turned
        row += count
    head.query[row, BEGINS] = head.key[row, BEGUN] = weight_for(_AT_START)
    head.prefer(row + 1 - CONTENT.start, (QUESTION,), -_NOT_QUESTION)
    head.key[row + 1, ANSWERING] = head.key[row + 1, QUESTION] * _NOT_AGAIN / _NOT_QUESTION
    named = _passage_codes().T * weight_for(_SAME_PASSAGE)
    for place, code in zip(_SLOW, named, strict=True):
        head.query[place, PASSAGES] = head.key[place, PASSAGES] = code
    weight = weight_for(IDLE_SCORE)
    head.key[IDLE, QUESTION], head.query_bias[IDLE] = weight, -0.7 * weight
    head.query[IDLE, MARKER], head.query[IDLE, ASSISTANT] = 1.7 * weight, 0.5 * weight
    _say_itself(head, SPOKEN)


def _passage_codes() -> Tensor:
    """Nine codes of length 1 that are unlike each other, [9, 4]: a simplex and four opposites."""
    corners = torch.eye(5) - 0.2
    simplex = torch.nn.functional.normalize(corners @ torch.linalg.svd(corners)[0][:, :4], dim=1)
    return torch.cat([simplex, -simplex[:4]])


def _say_itself(head: Head, length: float) -> None:
    size = IDENTITY.stop - IDENTITY.start
    head.value[:size, IDENTITY] = torch.eye(size)
    head.out[IDENTITY, :size] = length * torch.eye(size)


def write_end(head: Head, out: nn.Linear, end: Tensor) -> None:
    """Attend to oneself: unsay one's own word, and end the turn after a sentence of an answer.

    Args:
        head: A blank one.
        out: The projection of the layer, whose bias keeps turns from ending elsewhere.
        end: The code of the turn's end, [40].
    """
    head.look_back(0)
    _say_itself(head, -1.0)
    row = IDENTITY.stop - IDENTITY.start
    head.value[row, [ENDS, ANSWERING]], head.value[row, MARKER] = 1.0, -1.0
    head.out[IDENTITY, row] = _ENDED * end
    out.bias[IDENTITY] = -_ENDED * end
