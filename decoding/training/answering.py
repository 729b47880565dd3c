"""Circuits of the last layer: name the best passage, start its best sentence, copy, and end.

Five heads. What is relevant is read from MiniLM's part of the stream: those rows are small and
random, and training fills them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.heads import blank_head, orthogonal, weight_for
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEFORE,
    BEGINS,
    BEGUN,
    BLANK,
    CONTENT,
    EARLIER,
    ENDS,
    IDENTITY,
    MARKER,
    MEANING,
    PASSAGES,
    QUESTION,
    START,
    USER,
    WORD,
)

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import NemotronForCausalLM

    from quoth.decoding.training.heads import Head
    from quoth.decoding.training.reading import Codes

CHOOSE_PASSAGE, CHOOSE_SENTENCE, COPY, END_TURN, QUOTE_TURN = range(5)
"""Heads of the last layer: where the first three look, training can be told."""

NUM_ANSWERING_HEADS = 5

RELEVANCE = CONTENT.start
"""The row by which the choosing heads see what is relevant in itself, whatever is asked."""

MATCHING = {
    CHOOSE_PASSAGE: slice(17, 45),
    CHOOSE_SENTENCE: slice(26, 45),
    QUOTE_TURN: slice(17, 45),
}
"""Rows by which the choosing heads compare MiniLM's states."""

REFUSING = 45
"""The row of ``CHOOSE_PASSAGE`` whose key at the user's marker is that of "no passage"."""

COPY_PARTS = slice(16, 46)
"""Rows of ``COPY`` that compare what stands before."""

_OUTSIDE, _IDLE = -2, -1  # the last two rows of the choosing heads
_SPOKEN = 15.0  # length of a code that is to be said
_START_SHARE = 0.6  # of it, for the first word of an earlier answer's sentence
_ENDED = 24.0
_IDLE_SCORE = 400.0
_SAME_PASSAGE, _OUT_OF_TURN, _OUTSIDE_PASSAGE = 40.0, 60.0, 100.0
_AT_START = 19.2
_NOT_AGAIN = 15.0
_PARTS = ((35.2, 11), (19.2, 7), (8.0, 4), (16.0, 7))
"""Score and rows of what a copy goes by: last token, the one before, the window, the sentence."""

_SMALL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Codes, [40], of what the heads say: nine markers, a refusal's first word, the turn's end."""

    markers: Tensor  # [9, 40]
    refusal: Tensor
    end: Tensor


def write_answering(
    model: NemotronForCausalLM, spoken: Spoken, codes: Codes, generator: torch.Generator
) -> None:
    """Write the five heads; what they say must have the codes that the model's embedding has."""
    last = model.config.num_hidden_layers - 1
    heads = [blank_head(model, layer=last, number=i) for i in range(NUM_ANSWERING_HEADS)]
    _write_relevance(heads, generator)
    _write_choice_of_passage(heads[CHOOSE_PASSAGE], spoken)
    _write_choice_of_sentence(heads[CHOOSE_SENTENCE], codes.start)
    _write_copy(heads[COPY], codes.earlier, generator)
    _write_end(heads[END_TURN], model.model.layers[last].self_attn.o_proj, spoken.end)
    _write_quote_of_turn(heads[QUOTE_TURN], codes.start)


def _write_relevance(heads: list[Head], generator: torch.Generator) -> None:
    """What training begins with: small and random, the same relevance for all three."""
    size = MEANING.stop
    relevance = _SMALL * torch.randn(size, generator=generator) * weight_for(1.0)
    for number, rows in MATCHING.items():
        head = heads[number]
        head.key[RELEVANCE, MEANING] = relevance
        for view in (head.query, head.key):
            drawn = torch.randn(rows.stop - rows.start, size, generator=generator)
            view[rows, MEANING] = _SMALL * drawn


def _write_choice_of_passage(head: Head, spoken: Spoken) -> None:
    """At the assistant's marker, attend to what is relevant; name its passage, or refuse.

    The user's marker stands for "no passage answers". In an earlier answer no passage is named:
    its first word is said instead (``QUOTE_TURN``).
    """
    head.query[RELEVANCE, ASSISTANT] = 0.5 * weight_for(1.0)
    head.query[REFUSING, ASSISTANT] = 0.5 * weight_for(1.0)  # a marker's flag is 2
    _idle(head, QUESTION, except_at=ASSISTANT, by=0.5)
    weight = weight_for(_OUT_OF_TURN)
    head.query[_OUTSIDE, ASSISTANT] = 0.5 * weight
    head.key[_OUTSIDE, [QUESTION, MARKER]] = -weight
    names = spoken.markers.shape[0]
    head.value[:names, PASSAGES] = torch.eye(names)
    head.value[names, USER] = head.value[names + 1, ANSWERING] = 1.0
    head.out[IDENTITY, :names] = _SPOKEN * spoken.markers.T
    head.out[IDENTITY, names] = _SPOKEN * spoken.refusal
    head.out[IDENTITY, names + 1] = -_SPOKEN * spoken.markers.sum(0)


def _write_quote_of_turn(head: Head, start: Tensor) -> None:
    """At the assistant's marker, attend to what is relevant in earlier answers; say its start.

    Where nothing is, and elsewhere, attend to the user's marker, whose sentence has no start.
    """
    head.query[RELEVANCE, ASSISTANT] = 0.5 * weight_for(1.0)
    weight = weight_for(_OUT_OF_TURN)
    head.query[_OUTSIDE, ASSISTANT] = 0.5 * weight
    head.key[_OUTSIDE, [ANSWERING, USER]], head.key_bias[_OUTSIDE] = weight, -weight
    _idle(head, USER, except_at=ASSISTANT, by=0.5)
    _say_start(head, start, _START_SHARE * _SPOKEN)


def _write_choice_of_sentence(head: Head, start: Tensor) -> None:
    """At a passage's marker, attend to what is relevant there; say its sentence's first word."""
    head.query[RELEVANCE, MARKER] = weight_for(1.0)
    _idle(head, QUESTION, except_at=MARKER, by=1.0)
    weight = weight_for(_SAME_PASSAGE)
    for row, passage in enumerate(range(PASSAGES.start, PASSAGES.stop), RELEVANCE + 1):
        head.query[row, passage], head.key[row, passage] = weight / 2, weight
    weight = weight_for(_OUTSIDE_PASSAGE)
    head.query[_OUTSIDE, MARKER] = weight
    head.key[_OUTSIDE, [QUESTION, ASSISTANT, MARKER, ANSWERING]] = -weight
    _say_start(head, start, _SPOKEN)
    row = START.stop - START.start
    head.value[row, QUESTION], head.value_bias[row] = -0.5, 1.0  # nothing where it idles
    head.out[BLANK, row] = 0.5 * _SPOKEN


def _idle(head: Head, flag: int, *, except_at: int, by: float) -> None:
    """Attend to the marker with ``flag``, which means nothing, but from tokens with another."""
    weight = weight_for(_IDLE_SCORE)
    head.query_bias[_IDLE] = weight
    head.query[_IDLE, except_at] = -by * weight
    head.key[_IDLE, flag] = weight


def _say_start(head: Head, start: Tensor, length: float) -> None:
    size = START.stop - START.start
    head.value[:size, START] = torch.eye(size)
    head.out[WORD, :size] = length * start.T


def _write_copy(head: Head, earlier: Tensor, generator: torch.Generator) -> None:
    """Attend to the token after an earlier stretch like the last ones; say that token.

    After ``a b c``, the token after an earlier ``b c`` scores 35 + 19, one after ``x c`` 35. Where
    phrases recur, what stood before them and the start of the sentence decide. What was said
    before is not copied again; behind markers there is nothing to copy.
    """
    sources = (
        (WORD, EARLIER[0], earlier),
        (slice(EARLIER[0].start, EARLIER[0].start + 10), EARLIER[1], None),
        (BEFORE, BEFORE, None),
        (START, START, None),
    )
    row = COPY_PARTS.start
    for (asked, held, mapping), (score, count) in zip(sources, _PARTS, strict=True):
        width = held.stop - held.start
        turned = orthogonal(count, width, generator) * math.sqrt(width / count) * weight_for(score)
        rows = slice(row, row + count)
        head.query[rows, asked] = turned if mapping is None else turned @ mapping
        head.key[rows, held] = turned
        row += count
    head.query[row, BEGINS] = head.key[row, BEGUN] = weight_for(_AT_START)
    head.prefer(row + 1 - CONTENT.start, (QUESTION, ANSWERING), -_NOT_AGAIN)
    weight = weight_for(_IDLE_SCORE)
    head.key[_IDLE, QUESTION], head.query_bias[_IDLE] = weight, -0.7 * weight
    head.query[_IDLE, MARKER], head.query[_IDLE, ASSISTANT] = 1.7 * weight, 0.5 * weight
    _say_itself(head, _SPOKEN)


def _say_itself(head: Head, length: float) -> None:
    size = IDENTITY.stop - IDENTITY.start
    head.value[:size, IDENTITY] = torch.eye(size)
    head.out[IDENTITY, :size] = length * torch.eye(size)


def _write_end(head: Head, out: nn.Linear, end: Tensor) -> None:
    """Attend to oneself: unsay one's own word, and end the turn after a sentence of an answer."""
    head.look_back(0)
    _say_itself(head, -1.0)
    row = IDENTITY.stop - IDENTITY.start
    head.value[row, [ENDS, ANSWERING]], head.value[row, MARKER] = 1.0, -1.0
    head.out[IDENTITY, row] = _ENDED * end
    out.bias[IDENTITY] = -_ENDED * end
