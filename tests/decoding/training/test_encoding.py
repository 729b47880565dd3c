"""Pointers lead to the tokens that are said next, and weights are where choices are made."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from quoth.decoding.training.encoding import EncodedExample, Pointer, encode
from quoth.decoding.training.examples import Example, Quote, render_prompt
from quoth.decoding.training.material import Material
from quoth.decoding.training.subspaces import (
    CHOOSE_PASSAGE,
    CHOOSE_SENTENCE,
    COPY,
    QUOTE_TURN,
    SECOND_WORD,
)
from quoth.decoding.training.tasks import TaskShape
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER, train_tokenizer

_SHAPE = TaskShape(history_share=0.3, follow_up_share=0.2, joined_share=0.2, unanswerable_share=0.2)
_PASSAGES = ("Salt is kept here. Ropes too.\nIt is dry. Nobody comes.", "The tower is in Riga.")
_TURN = ("Where is the mill?", "[2] The mill is by the river. [3] It is old.")


@pytest.fixture(scope="module")
def tokenizer(material: Material) -> PreTrainedTokenizerFast:
    return train_tokenizer(material.texts(), vocab_size=600)


def _example(*quotes: Quote) -> Example:
    return Example(question="What?", passages=_PASSAGES, history=(_TURN,), quotes=quotes)


def _of(encoded: EncodedExample, head: int) -> list[Pointer]:
    return [pointer for pointer in encoded.pointers if pointer.head == head]


def _said(encoded: EncodedExample, places: tuple[int, ...], tokenizer) -> str:
    return tokenizer.decode([encoded.token_ids[place] for place in places])


@given(seed=st.integers(0, 10**6))
def test_pointers_lead_from_the_answer_into_the_prompt(
    material: Material, tokenizer: PreTrainedTokenizerFast, seed: int
) -> None:
    example = material.mixture.draw(_SHAPE, random.Random(seed))
    encoded = encode(example, tokenizer)
    prompt = render_prompt(example)
    assert tokenizer.decode(encoded.token_ids) == prompt + example.answer + END
    assert tokenizer.decode(encoded.token_ids[: encoded.num_prompt]) == prompt
    for pointer in encoded.pointers:
        assert all(0 <= key < encoded.num_prompt for key in pointer.keys)
        assert all(key <= pointer.query for key in pointer.keys)
        assert pointer.query + 1 < len(encoded.token_ids)
    for copied in _of(encoded, COPY):
        (key,) = copied.keys
        assert encoded.token_ids[key] == encoded.token_ids[copied.query + 1]


@given(seed=st.integers(0, 10**6))
def test_choices_cover_exactly_the_quotes(
    material: Material, tokenizer: PreTrainedTokenizerFast, seed: int
) -> None:
    example = material.mixture.draw(_SHAPE, random.Random(seed))
    encoded = encode(example, tokenizer)
    (choice,) = _of(encoded, CHOOSE_PASSAGE)
    assert _said(encoded, (choice.query,), tokenizer) == ASSISTANT
    if example.quotes:
        assert _said(encoded, choice.keys, tokenizer).strip() == example.quoted(example.quotes[0])
    else:
        assert {_said(encoded, (key,), tokenizer) for key in choice.keys} == {USER}
        assert len(choice.keys) == len(example.history) + 1
    sentences = [
        _said(encoded, pointer.keys, tokenizer).strip() for pointer in _of(encoded, CHOOSE_SENTENCE)
    ]
    marked = [
        example.quoted(quote)
        for quote, part in zip(example.quotes, example.answer_parts, strict=True)
        if quote.passage is not None and part.lstrip(" ").startswith("[")
    ]
    assert sentences == marked
    behind = [(pointer.query - 1, pointer.keys) for pointer in _of(encoded, SECOND_WORD)]
    assert behind == [(pointer.query, pointer.keys) for pointer in _of(encoded, CHOOSE_SENTENCE)]


def test_the_same_words_elsewhere_are_not_pointed_at(
    material: Material, tokenizer: PreTrainedTokenizerFast
) -> None:
    passages = ("It is dry. Nobody comes.", "It is dry. Salt is kept.")
    quote = Quote(passage=1, start=0, end=10)
    encoded = encode(Example(question="It is dry.", passages=passages, quotes=(quote,)), tokenizer)
    second = encoded.token_ids.index(tokenizer.get_vocab()["[2]"])
    for pointer in encoded.pointers:
        assert all(second < key for key in pointer.keys)
    assert _of(encoded, COPY)


def test_an_earlier_answer_is_pointed_at_where_it_was_said(
    material: Material, tokenizer: PreTrainedTokenizerFast
) -> None:
    encoded = encode(_example(Quote(turn=0, start=4, end=29)), tokenizer)
    (choice,), (earlier,) = _of(encoded, CHOOSE_PASSAGE), _of(encoded, QUOTE_TURN)
    assert _said(encoded, choice.keys, tokenizer).strip() == "The mill is by the river."
    assert (earlier.query, earlier.keys) == (choice.query, choice.keys)
    assert not _of(encoded, CHOOSE_SENTENCE)
    assert len(_of(encoded, COPY)) == len(choice.keys) - 1


def test_almost_every_token_behind_a_quotes_first_has_a_pointer(
    material: Material, tokenizer: PreTrainedTokenizerFast
) -> None:
    rng = random.Random(3)
    pointers = tokens = 0
    for _ in range(40):
        example = material.mixture.draw(_SHAPE, rng)
        pointers += len(_of(encode(example, tokenizer), COPY))
        for quote in example.quotes:
            tokens += len(tokenizer(example.quoted(quote))["input_ids"]) - 1
    assert pointers > 0.95 * tokens


def test_choices_weigh_most_and_prompts_nothing(
    material: Material, tokenizer: PreTrainedTokenizerFast
) -> None:
    one = encode(_example(Quote(passage=1, start=0, end=21)), tokenizer)
    two = encode(
        _example(Quote(passage=1, start=0, end=21), Quote(passage=0, start=0, end=18)), tokenizer
    )
    assert one.weights[one.num_prompt : one.num_prompt + 5] == [4.0, 4.0, 3.0, 2.0, 1.0]
    assert one.weights[-2:] == [1.0, 2.0]
    assert set(one.weights[: one.num_prompt]) == {0.0}
    assert sum(weight == 4.0 for weight in two.weights) == 3
    assert sum(weight == 3.0 for weight in two.weights) == 3  # two second words and a marker


def test_the_head_of_earlier_answers_rests_at_users_markers(
    material: Material, tokenizer: PreTrainedTokenizerFast
) -> None:
    encoded = encode(_example(Quote(passage=1, start=0, end=21)), tokenizer)
    (earlier,) = _of(encoded, QUOTE_TURN)
    assert [_said(encoded, (key,), tokenizer) for key in earlier.keys] == [USER, USER]
    alone = Example(question="What?", passages=_PASSAGES)
    assert not _of(encode(alone, tokenizer), QUOTE_TURN)


def test_words_cut_into_other_tokens_have_no_pointer(
    material: Material, tokenizer: PreTrainedTokenizerFast
) -> None:
    quote = Quote(passage=0, start=0, end=len("It is stored in wint"))
    example = Example(question="When?", passages=("It is stored in winter.",), quotes=(quote,))
    encoded = encode(example, tokenizer)
    copied = _of(encoded, COPY)
    assert copied
    for pointer in copied:
        assert encoded.token_ids[pointer.keys[0]] == encoded.token_ids[pointer.query + 1]
    (choice,) = _of(encoded, CHOOSE_PASSAGE)
    assert _said(encoded, choice.keys[-1:], tokenizer) == " winter"
