"""Tokens of two vocabularies are matched by characters, and equal states cost nothing."""

import random
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from quoth.decoding.training.distillation import (
    Teacher,
    align,
    compared_layers,
    draw_texts,
    read,
)
from quoth.decoding.training.minilm import load_minilm
from quoth.decoding.training.ranking import RankedQuestion
from quoth.decoding.training.sources import Document
from quoth.decoding.training.tokenizer import train_tokenizer

_QUESTION = "Where is the tower?"
_PASSAGES = ["The tower is in Riga; it is old.", "Ropes are kept there.\nSalt too."]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([*_PASSAGES, _QUESTION] * 3, vocab_size=340)


def _cuts(text: str, places: set[int]) -> list[tuple[int, int]]:
    edges = [0, *sorted(place for place in places if 0 < place < len(text)), len(text)]
    return list(pairwise(edges))


def test_the_worked_example_is_right() -> None:
    tokens, pieces = [(0, 2), (2, 5), (5, 7)], [(0, 0), (0, 1), (1, 2), (3, 4)]
    assert align(tokens, pieces, (3, 7)) == [(1, 2), (2, 3)]


@given(
    own=st.sets(st.integers(1, 39)),
    other=st.sets(st.integers(1, 19)),
    begin=st.integers(0, 20),
)
def test_each_token_meets_the_piece_with_its_last_character(
    own: set[int], other: set[int], begin: int
) -> None:
    tokens, pieces = _cuts("x" * 40, own), [(0, 0), *_cuts("x" * 20, other), (0, 0)]
    pairs = align(tokens, pieces, (begin, begin + 20))
    for token, piece in pairs:
        last = tokens[token][1] - 1 - begin
        assert pieces[piece][0] <= last < pieces[piece][1]
    met = {token for token, _ in pairs}
    assert met == {n for n, (_, end) in enumerate(tokens) if begin < end <= begin + 20}


def test_half_of_the_blocks_and_all_are_compared() -> None:
    assert [compared_layers(blocks) for blocks in (1, 2, 6)] == [(1,), (1, 2), (3, 6)]


def test_segments_are_the_question_and_its_passages(tokenizer: PreTrainedTokenizerFast) -> None:
    reading = read(_QUESTION, _PASSAGES, tokenizer)
    assert [reading.text[begin:end] for begin, end in reading.segments] == [_QUESTION, *_PASSAGES]
    assert tokenizer.decode(reading.token_ids) == reading.text
    assert reading.text == (
        f"<|user|>Question: {_QUESTION}\n\n[1] {_PASSAGES[0]}\n\n[2] {_PASSAGES[1]}"
    )


def test_texts_come_from_questions_and_from_documents() -> None:
    question = RankedQuestion(
        question=_QUESTION, answers=(), passages=("a" * 900, "b", "c", "d", "never"), quotes=()
    )
    document = Document(source="x", path="y", text="word " * 1000)
    rng = random.Random(0)
    drawn = [draw_texts(rng, [question], [document]) for _ in range(200)]
    assert {asked for asked, _ in drawn} == {_QUESTION}
    passages = [passage for _, each in drawn for passage in each]
    assert max(map(len, passages)) <= 800
    assert "never" not in passages
    assert {"b", "c", "d"} <= set(passages)
    assert 0.3 < sum("word" in each[0] for _, each in drawn) / 200 < 0.7
    assert {len(each) for _, each in drawn} == {1, 2, 3}


def test_equal_states_cost_nothing_whatever_their_length(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    source, pieces = load_minilm()
    teacher = Teacher(source, pieces, blocks=2, device="cpu")
    readings = [read(_QUESTION, _PASSAGES, tokenizer), read(_QUESTION, _PASSAGES[:1], tokenizer)]
    wanted = teacher.states(readings)
    width = max(len(reading.token_ids) for reading in readings)
    hidden = [torch.randn(2, width, 512) for _ in range(3)]
    different = teacher.losses(hidden, wanted)
    for layer, states in zip((1, 2), wanted.states, strict=True):
        norm = source.encoder.layer[layer - 1].output.LayerNorm
        before = (states - norm.bias) / norm.weight
        hidden[layer][wanted.rows, wanted.places, :384] = 7.0 * before
    assert teacher.losses(hidden, wanted) < 0.01 < 1.0 < different
    compared = {(int(r), int(p)) for r, p in zip(wanted.rows, wanted.places, strict=True)}
    in_segments = {
        (row, place)
        for row, reading in enumerate(readings)
        for place, (_, end) in enumerate(reading.offsets)
        if any(begin < end <= finish for begin, finish in reading.segments)
        and not reading.text[end - 1].isspace()
    }
    assert compared == in_segments
