"""Circuits of the last layer: name the best passage, start its best sentence, copy, and end.

Nine heads, of which ``copying`` has those that copy and end. What is relevant is read from
MiniLM's part of the stream: those rows are small and random, and training fills them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.copying import (
    IDLE,
    IDLE_SCORE,
    SPOKEN,
    write_copies,
    write_end,
    write_repeated,
)
from quoth.decoding.training.heads import blank_head, orthogonal, view_head, weight_for
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEGINS,
    BLANK,
    CHOOSE_PASSAGE,
    CHOOSE_SENTENCE,
    CONTENT,
    COPIES,
    END_TURN,
    IDENTITY,
    MARKER,
    MEANING,
    PASSAGES,
    QUESTION,
    QUOTE_TURN,
    REPEATED,
    SECOND,
    SECOND_WORD,
    START,
    USER,
    WORD,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import NemotronForCausalLM

    from quoth.decoding.training.heads import Head
    from quoth.decoding.training.reading import Codes

NUM_ANSWERING_HEADS = 9

CHOOSING = (CHOOSE_PASSAGE, CHOOSE_SENTENCE, QUOTE_TURN, SECOND_WORD)
"""Those that attend to what is relevant."""

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

_OUTSIDE = -2  # the row before the last one of the choosing heads
_START_SHARE = 0.6  # of what is said, for the first word of an earlier answer's sentence
_SECOND_SPOKEN = 10.0
_SAME_PASSAGE, _OUT_OF_TURN, _OUTSIDE_PASSAGE = 40.0, 60.0, 100.0
_SAME_START = 20.0
_START_ROWS = 10

_SMALL = 0.02
_DECIDED = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Codes, [40], of what the heads say: nine markers, a refusal's first word, the turn's end."""

    markers: Tensor  # [9, 40]
    refusal: Tensor
    end: Tensor


def write_answering(
    model: NemotronForCausalLM, spoken: Spoken, codes: Codes, generator: torch.Generator
) -> None:
    """Write the nine heads; what they say must have the codes that the model's embedding has."""
    last = model.config.num_hidden_layers - 1
    heads = [blank_head(model, layer=last, number=i) for i in range(NUM_ANSWERING_HEADS)]
    _write_relevance(heads, generator)
    _write_choice_of_passage(heads[CHOOSE_PASSAGE], spoken)
    _write_choice_of_sentence(heads[CHOOSE_SENTENCE], codes.start)
    write_copies([heads[number] for number in COPIES], codes, generator)
    write_repeated(heads[REPEATED], codes, generator)
    write_end(heads[END_TURN], model.model.layers[last].self_attn.o_proj, spoken.end)
    _write_quote_of_turn(heads[QUOTE_TURN], codes.start)
    _write_second_word(heads[SECOND_WORD], codes.second, generator)


@torch.no_grad()
def decide(model: NemotronForCausalLM) -> None:
    """Let the heads that choose a sentence spread over fewer, once they are trained.

    Pointers teach them to be as unsure as they should be, but the codes of two sentences' first
    words add up to that of a third word. What keeps them in the passage named, or in earlier
    answers, is raised as much.
    """
    last = model.config.num_hidden_layers - 1
    for number in (CHOOSE_SENTENCE, QUOTE_TURN):
        head, matching = view_head(model, layer=last, number=number), MATCHING[number]
        head.query[RELEVANCE : matching.stop] *= _DECIDED
        head.query[_OUTSIDE] *= _DECIDED


def _write_relevance(heads: list[Head], generator: torch.Generator) -> None:
    """What training begins with: small and random, the same relevance for all that choose."""
    size = MEANING.stop
    relevance = _SMALL * torch.randn(size, generator=generator) * weight_for(1.0)
    for number in CHOOSING:
        heads[number].key[RELEVANCE, MEANING] = relevance
    for number, rows in MATCHING.items():
        for view in (heads[number].query, heads[number].key):
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
    head.out[IDENTITY, :names] = SPOKEN * spoken.markers.T
    head.out[IDENTITY, names] = SPOKEN * spoken.refusal
    head.out[IDENTITY, names + 1] = -SPOKEN * spoken.markers.sum(0)


def _write_quote_of_turn(head: Head, start: Tensor) -> None:
    """At the assistant's marker, attend to what is relevant in earlier answers; say its start.

    Where nothing is, and elsewhere, attend to the user's marker, whose sentence has no start.
    """
    head.query[RELEVANCE, ASSISTANT] = 0.5 * weight_for(1.0)
    weight = weight_for(_OUT_OF_TURN)
    head.query[_OUTSIDE, ASSISTANT] = 0.5 * weight
    head.key[_OUTSIDE, [ANSWERING, USER]], head.key_bias[_OUTSIDE] = weight, -weight
    _idle(head, USER, except_at=ASSISTANT, by=0.5)
    _say_start(head, start, _START_SHARE * SPOKEN)


def _write_choice_of_sentence(head: Head, start: Tensor) -> None:
    """At a passage's marker, attend to what is relevant there; say its sentence's first word."""
    head.query[RELEVANCE, MARKER] = weight_for(1.0)
    _idle(head, QUESTION, except_at=MARKER, by=1.0)
    _stay_in_passage(head, RELEVANCE + 1, at=MARKER, by=0.5)  # a marker has its passage twice
    _say_start(head, start, SPOKEN)
    row = START.stop - START.start
    head.value[row, QUESTION], head.value_bias[row] = -0.5, 1.0  # nothing where it idles
    head.out[BLANK, row] = 0.5 * SPOKEN


def _write_second_word(head: Head, second: Tensor, generator: torch.Generator) -> None:
    """At the first word of a quote, attend to what is relevant and begins so; say its second word.

    Of the passage's sentences that begin with the word said, this knows which one was meant.
    """
    head.query[RELEVANCE, BEGINS] = weight_for(1.0)
    size = START.stop - START.start
    turned = orthogonal(_START_ROWS, size, generator) * math.sqrt(size / _START_ROWS)
    rows = slice(RELEVANCE + 1, RELEVANCE + 1 + _START_ROWS)
    head.query[rows, START] = head.key[rows, START] = turned * weight_for(_SAME_START)
    _stay_in_passage(head, rows.stop, at=BEGINS, by=1.0)
    _idle(head, QUESTION, except_at=BEGINS, by=0.5)
    head.query[IDLE, ANSWERING] = head.query[IDLE, BEGINS]  # both are needed
    head.query[IDLE, MARKER] = -head.query[IDLE, BEGINS]  # an answer's marker begins it, too
    size = SECOND.stop - SECOND.start
    head.value[:size, SECOND] = torch.eye(size)
    head.out[WORD, :size] = _SECOND_SPOKEN * second.T


def _stay_in_passage(head: Head, row: int, *, at: int, by: float) -> None:
    """Attend to the passage named, from tokens with flag ``at``, and to none but passages."""
    weight = weight_for(_SAME_PASSAGE)
    for place, passage in enumerate(range(PASSAGES.start, PASSAGES.stop), row):
        head.query[place, passage], head.key[place, passage] = by * weight, weight
    weight = weight_for(_OUTSIDE_PASSAGE)
    head.query[_OUTSIDE, at] = weight
    head.key[_OUTSIDE, [QUESTION, ASSISTANT, MARKER, ANSWERING]] = -weight


def _idle(head: Head, flag: int, *, except_at: int, by: float) -> None:
    """Attend to the marker with ``flag``, which means nothing, but from tokens with another."""
    weight = weight_for(IDLE_SCORE)
    head.query_bias[IDLE] = weight
    head.query[IDLE, except_at] = -by * weight
    head.key[IDLE, flag] = weight


def _say_start(head: Head, start: Tensor, length: float) -> None:
    size = START.stop - START.start
    head.value[:size, START] = torch.eye(size)
    head.out[WORD, :size] = length * start.T
