"""Log-probabilities: one per token, of the model's own distribution, whatever else is asked for."""

import math

import pytest
import torch

from helpers.drafters import Prophet, good_makers
from helpers.logprobs import FLOAT32, assert_same_logprobs
from helpers.tiny_model import VOCABULARY, tiny_llama
from quoth.decoding import Decoder, Generation, Reference
from quoth.decoding.acceptance import Accepted
from quoth.decoding.logprobs import token_logprobs

PROMPT = [3, 1, 4, 1, 5]
MIXES = {
    "greedy": {},
    "sampled": {"temperature": 1.7, "top_k": 20, "top_p": 0.9, "min_p": 0.01, "seed": 4},
    "penalised": {"repetition_penalty": 1.8, "presence_penalty": 1.0, "bad_words": [[7], [8, 9]]},
}


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(tiny_llama())


def measured(generation: Generation) -> torch.Tensor:
    """The same from one plain pass over the whole text, [tokens, V]."""
    text = torch.tensor([[*PROMPT, *generation.token_ids]])
    with torch.inference_mode():
        logits = tiny_llama()(input_ids=text).logits[0, len(PROMPT) - 1 : -1]
    return logits.double().log_softmax(-1)


@pytest.mark.parametrize("mix", sorted(MIXES))
@pytest.mark.parametrize("drafting", ["none", "oracle"])
def test_they_are_those_of_the_raw_logits(decoder, mix, drafting):
    options = {**MIXES[mix], "max_new_tokens": 30, "logprobs": 4, "eos_token_ids": ()}
    generation = decoder.generate(PROMPT, **options, drafting="none")
    if drafting == "oracle":
        truth = generation.token_ids
        drafter = Prophet("oracle", truth, good_makers(0, VOCABULARY, 0)["oracle"])
        generation = decoder.generate(PROMPT, **options, drafting=drafter)
        assert generation.stats.accepted > 20
    expected = measured(generation)
    assert [each.token_id for each in generation.logprobs] == list(generation.token_ids)
    for row, token, found in zip(expected, generation.token_ids, generation.logprobs, strict=True):
        assert found.logprob == pytest.approx(row[token].item(), abs=1e-4)
        best = row.topk(4)
        assert [token for token, _ in found.top] == best.indices.tolist()
        assert [value for _, value in found.top] == pytest.approx(best.values.tolist(), abs=1e-4)
        assert sum(math.exp(value) for _, value in found.top) < 1 + 1e-9


def test_they_come_with_each_step_and_only_if_asked_for(decoder):
    options = {"max_new_tokens": 20, "eos_token_ids": ()}
    plain = decoder.generate(PROMPT, **options)
    assert plain.logprobs is None
    source = [Reference("answer", plain.token_ids)]
    assert all(step.logprobs is None for step in decoder.stream(PROMPT, source, **options))
    steps = list(decoder.stream(PROMPT, source, **options, logprobs=True))
    assert max(len(step.token_ids) for step in steps) > 1
    for step in steps:
        assert [each.token_id for each in step.logprobs] == list(step.token_ids)
        assert all(each.top == () for each in step.logprobs)
    whole = decoder.generate(PROMPT, source, **options, logprobs=True)
    streamed = [each for step in steps for each in step.logprobs]
    assert_same_logprobs(streamed, whole.logprobs, within=FLOAT32)


def test_as_many_alternatives_as_there_are_tokens_make_a_whole_distribution(decoder):
    generation = decoder.generate(PROMPT, max_new_tokens=3, logprobs=VOCABULARY)
    for each in generation.logprobs:
        assert math.fsum(math.exp(value) for _, value in each.top) == pytest.approx(1, abs=1e-6)
        assert dict(each.top)[each.token_id] == each.logprob


def test_rows_are_those_at_which_the_tokens_were_taken():
    """The last node may be a token that ended the text; then nothing was taken from its row."""
    logits = torch.eye(6) * 9
    found = token_logprobs(logits, Accepted(tokens=(4, 2, 5), nodes=(3, 1)), 1)
    assert [each.top[0][0] for each in found] == [0, 4, 2]
    ended = token_logprobs(logits, Accepted(tokens=(4, 2), nodes=(3, 1)), 1)
    assert [each.top[0][0] for each in ended] == [0, 4]


def test_equal_alternatives_come_in_the_order_of_their_ids():
    logits = torch.zeros(1, 5)
    (found,) = token_logprobs(logits, Accepted(tokens=(3,), nodes=()), 5)
    assert [token for token, _ in found.top] == [0, 1, 2, 3, 4]
    assert found.logprob == pytest.approx(-math.log(5))
