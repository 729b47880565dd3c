"""Penalties and bad words: what transformers' processors do, counted instead of rescanned."""

from collections.abc import Sequence
from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.option_processors import option_processors
from helpers.tiny_model import VOCABULARY, tiny_llama
from quoth.decoding import Decoder
from quoth.decoding.bad_words import BadWords
from quoth.decoding.penalties import Penalties, PenaltyCounts
from quoth.decoding.processing import Processing
from quoth.decoding.request import Request
from quoth.errors import NoTokenError

SIZE = 12
CPU = torch.device("cpu")
tokens = st.integers(0, SIZE - 1)
texts = st.lists(tokens, min_size=1, max_size=25)
rows = st.lists(st.floats(-9, 9, width=32), min_size=SIZE, max_size=SIZE)
penalties = st.fixed_dictionaries(
    {
        "repetition_penalty": st.sampled_from([1.0, 1, 1.3, 0.4, 5]),
        "presence_penalty": st.sampled_from([0.0, 0, 0.6, -1.5, 2]),
        "frequency_penalty": st.sampled_from([0.0, 0, 0.25, -0.5, 2]),
    }
)
words = st.lists(st.lists(tokens, min_size=1, max_size=4), max_size=6)


def request_of(prompt: Sequence[int], **options: object) -> Request:
    return Request.from_options(prompt, (), options, default_eos=())


@settings(max_examples=300, deadline=None)
@given(texts, texts, st.lists(rows, min_size=1, max_size=3), penalties, words)
def test_rows_are_processed_as_by_transformers_at_every_position(
    prompt, output, tables, options, words
):
    options = {**options, "bad_words": words}
    processing = Processing(request_of(prompt, **options, max_new_tokens=len(output)), CPU)
    yardstick = option_processors(options, len(prompt))
    for position, token in enumerate(output):
        row = torch.tensor(tables[position % len(tables)])
        original = row.clone()
        expected = yardstick(torch.tensor([[*prompt, *output[:position]]]), row[None])[0]
        assert torch.equal(processing.process(row), expected)
        assert torch.equal(row, original), "the logits serve others too"
        processing.add(token)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.lists(words, min_size=1))
def test_a_bad_word_is_never_completed(chances, lists):
    """Whatever is chosen of what is left, no word of the list is in the output."""
    for forbidden in lists:
        if {word[0] for word in forbidden if len(word) == 1} == set(range(SIZE)) or not forbidden:
            continue
        watch, text = BadWords(tuple(map(tuple, forbidden)), [0]), [0]
        for chance in chances:
            left = sorted(set(range(SIZE)) - set(watch.completions()))
            if not left:
                break
            text.append(left[chance % len(left)])
            watch.add(text[-1])
        for word in forbidden:
            starts = range(max(0, 2 - len(word)), len(text))  # it ends in the output
            assert all(text[start : start + len(word)] != word for start in starts)


def test_prompt_tokens_without_a_logit_are_left_out():
    """The embedding may have more rows than the head: such tokens are read, and never written."""
    counts = PenaltyCounts(Penalties(repetition_penalty=2.0), [1, 50, 3, 10**6], max_new_tokens=9)
    row = torch.tensor([4.0, 4.0, -4.0, -4.0])
    counts.penalise(row)
    assert row.tolist() == [4.0, 2.0, -4.0, -8.0]
    processing = Processing(request_of([1], bad_words=[[50], [1, 60], [2]]), CPU)
    assert processing.process(torch.zeros(4)).tolist() == [0.0, 0.0, -torch.inf, 0.0]


def test_penalties_reach_the_text():
    """From a model that repeats itself, over the prompt's tokens or over the output's alone."""
    decoder = Decoder(tiny_llama())
    prompt, options = [1, 2, 3], {"max_new_tokens": 50, "eos_token_ids": ()}
    free = decoder.generate(prompt, **options).token_ids
    varied = decoder.generate(prompt, **options, presence_penalty=1e4).token_ids
    assert len(set(varied)) == 50 > len(set(free))
    assert set(decoder.generate(prompt, **options, frequency_penalty=-1e4).token_ids) == {free[0]}
    often = decoder.generate(prompt, **options, repetition_penalty=1e-3).token_ids
    assert often != free


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_forbidding_every_token_is_told_with_the_position(temperature):
    decoder = Decoder(tiny_llama())
    options = {"max_new_tokens": 9, "temperature": temperature, "eos_token_ids": ()}
    with pytest.raises(NoTokenError, match=r"position 0: every logit is -inf\. Allow more tokens"):
        decoder.generate([1], **options, bad_words=[[token] for token in range(VOCABULARY)])
    first, second = decoder.generate([1], **options).token_ids[:2]
    pairs = [[second, token] for token in range(VOCABULARY)]
    steps = decoder.stream([1], **options, bad_words=pairs, drafting="none")
    assert next(steps).token_ids == (first,)
    assert next(steps).token_ids == (second,)
    with pytest.raises(NoTokenError, match="position 2") as caught:
        next(steps)
    assert (caught.value.position, caught.value.best) == (2, -torch.inf)


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0}, {"presence_penalty": 1.0}])
def test_a_model_that_gives_nan_is_told(options):
    decoder = Decoder(deepcopy(tiny_llama()))
    with torch.no_grad():
        decoder.model.get_output_embeddings().weight[5] = torch.nan
    with pytest.raises(NoTokenError, match=r"position 0: a logit is nan\. .* another dtype"):
        decoder.generate([1, 2], **options)
