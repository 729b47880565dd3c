"""The heads of the last layer that copy a sentence once begun, and end the turn behind it.

Copying is a search for the nearest context: keys score what they have in common with the query
less half their own squared length, which ranks them by distance. Without the latter, contexts
whose codes happen to be long win over the right one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    HEAD_SIZE,
    IDENTITY,
    LENGTHS,
    MARKER,
    NUM_PAIRS,
    OPENS,
    PASSAGES,
    QUESTION,
    SECOND,
    START,
    WORD,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from quoth.decoding.training.heads import Head
    from quoth.decoding.training.reading import Codes

COPY_PARTS = slice(16, 46)
"""Rows of the copying heads that compare what stands before."""

SPOKEN = 15.0
"""Length of a code that is to be said."""

IDLE = -1
"""The row of a head by which it looks at a marker that means nothing, if nothing is to be done."""

IDLE_SCORE = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """Score and number of rows of each thing that a copy goes by."""

    last: tuple[float, int]
    before: tuple[float, int]
    second: tuple[float, int] = (0.0, 0)
    """Of the sentence's second word."""

    start: tuple[float, int] = (0.0, 0)
    """Of the sentence's first word."""

    at_start: float = 0.0
    """For second tokens of sentences, behind a first one."""


_MEASURES = (
    _Measure(last=(35.2, 11), before=(19.2, 7), second=(8.0, 4), start=(16.0, 7), at_start=19.2),
    _Measure(last=(35.0, 14), before=(20.0, 10), start=(16.0, 5), at_start=19.0),
    _Measure(last=(35.0, 14), before=(20.0, 7), second=(14.0, 8)),
)
"""Of the three heads. Each divides its rows in another way: they err at different places."""

_VOTE = SPOKEN / len(_MEASURES)

_SAME = _Measure(last=(35.0, 14), before=(20.0, 10))
_SAME_ENOUGH = 48.0  # two thirds make up for what the marker's own length takes off
_HERE, _UNSAID = 60.0, 8.0
_NEAR_PAIR, _NEAR = 5, 60.0  # 3 points less 100 tokens back; earlier answers are further: 25 at 300
_LAST = slice(EARLIER[0].start, EARLIER[0].start + 10)  # as much as the context has of a token
_NEAREST = 0.85  # of the context's weight, since there is more of it than one token
_NOT_QUESTION, _NOT_AGAIN = 15.0, 4.0
_AGAINST = 30  # where in a head, behind what it compares
_SAME_PASSAGE = 10.0
_SLOW = (6, 6 + NUM_PAIRS, 7, 7 + NUM_PAIRS)
"""Dimensions that turn so little that within a prompt they are nearly as good as still ones."""

_ENDED = 24.0


def write_copies(heads: Sequence[Head], codes: Codes, generator: torch.Generator) -> None:
    """Attend to the token after an earlier stretch like the last ones; say that token.

    After ``a b c``, the token after an earlier ``b c`` scores half of 35 + 19, one after ``x c``
    half of 35, less what ``x`` differs. Where phrases recur, the sentence's first word, or its
    second one, and the passage named decide. Answers come after what they are copied from; behind
    markers there is nothing to copy.

    Args:
        heads: Three blank ones.
        codes: How the first two layers' circuits write earlier tokens.
        generator: Draws how codes share the heads' rows.
    """
    for head, measure in zip(heads, _MEASURES, strict=True):
        _compare(head, measure, codes, generator)
        _stay_in_sources(head)
        _rank_by_distance(head, measure)
        _say_itself(head, _VOTE)


def _compare(head: Head, measure: _Measure, codes: Codes, generator: torch.Generator) -> None:
    """Score what query and key have in common."""
    parts = (
        (measure.last, [(WORD, codes.earlier)], EARLIER[0]),
        (
            measure.before,
            [(_LAST, _NEAREST * torch.eye(10)), (EARLIER[1], _NEAREST * codes.further)],
            EARLIER[1],
        ),
        (measure.second, [(SECOND, torch.eye(SECOND.stop - SECOND.start))], SECOND),
        (measure.start, [(START, torch.eye(START.stop - START.start))], START),
    )
    row = COPY_PARTS.start
    for (score, count), asked, held in parts:
        if not count:
            continue
        width = held.stop - held.start
        turned = orthogonal(count, width, generator) * math.sqrt(width / count) * weight_for(score)
        rows = slice(row, row + count)
        for source, mapping in asked:
            head.query[rows, source] = turned @ mapping
        head.key[rows, held] = turned
        row += count
    head.query[row, BEGINS] = head.key[row, BEGUN] = weight_for(measure.at_start)


def _stay_in_sources(head: Head) -> None:
    """Copy from the passage named, from no question, and from answers only if need be."""
    head.prefer(_AGAINST, (QUESTION,), -_NOT_QUESTION)
    row = CONTENT.start + _AGAINST
    head.key[row, ANSWERING] = head.key[row, QUESTION] * _NOT_AGAIN / _NOT_QUESTION
    named = _passage_codes().T * weight_for(_SAME_PASSAGE)
    for place, code in zip(_SLOW, named, strict=True):
        head.query[place, PASSAGES] = head.key[place, PASSAGES] = code
    weight = weight_for(IDLE_SCORE)
    head.key[IDLE, QUESTION], head.query_bias[IDLE] = weight, -0.7 * weight
    head.query[IDLE, MARKER], head.query[IDLE, ASSISTANT] = 1.7 * weight, 0.5 * weight


def _rank_by_distance(head: Head, measure: _Measure) -> None:
    """Take half of what each key's codes score with themselves from its score.

    The row is that of a preference written before.
    """
    row = CONTENT.start + _AGAINST
    halves = (0.5 * measure.last[0], 0.5 * _NEAREST * measure.before[0])
    for length, score in zip(LENGTHS, halves, strict=True):
        head.key[row, length] = -score * math.sqrt(HEAD_SIZE) / head.query_bias[row]


def write_repeated(head: Head, codes: Codes, generator: torch.Generator) -> None:
    """Attend to the token after the same stretch earlier in this answer; say it less.

    Where a phrase occurs twice in what is copied, all copying heads find both places alike, and the
    first one again would begin a loop. Where there is no such stretch, attend to the question's
    marker, which says nothing.
    """
    head.prefer(_AGAINST, (ANSWERING,), _HERE)
    _compare(head, _SAME, codes, generator)
    _rank_by_distance(head, _SAME)
    row = CONTENT.start + _AGAINST
    head.key[row, QUESTION] = 0.5 * (1 + _SAME_ENOUGH / _HERE) * head.key[row, ANSWERING]
    near = [0.0] * NUM_PAIRS
    near[_NEAR_PAIR] = _NEAR
    head.relate(near, [0.0] * NUM_PAIRS)
    _say_itself(head, -_UNSAID)


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
    head.value[row, [ENDS, ANSWERING]], head.value[row, [MARKER, OPENS]] = 1.0, -1.0
    head.out[IDENTITY, row] = _ENDED * end
    out.bias[IDENTITY] = -_ENDED * end
