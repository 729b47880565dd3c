"""A grammar as a logits processor that keeps a state: decoded text is always in the language."""

import json

import pytest
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from helpers.drafters import Prophet, good_makers
from helpers.logprobs import FLOAT32, assert_same_logprobs
from helpers.tiny_model import VOCABULARY, tiny_llama
from quoth.decoding import Decoder, Reference

EOS = 0
LETTERS = {1: "[", 2: "]", 3: ",", **{4 + digit: str(digit) for digit in range(10)}}
OPEN, CLOSE, COMMA = 1, 2, 3
DIGITS = range(4, 14)
DEEPEST = 3


class ListGrammar(LogitsProcessor):
    """Nested lists of numbers as JSON writes them: a push-down automaton, a token further per call.

    It knows only the newest token and its own state, as the matchers of grammar libraries do, so
    it is right only if it is called once per position and in order.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._last: int | None = None
        self.calls = 0

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if self.calls:
            self._read(int(input_ids[0, -1]))
        self.calls += 1
        allowed = list(self._allowed())
        mask = torch.full_like(scores, -torch.inf)
        mask[:, allowed] = 0
        return scores + mask

    def _read(self, token: int) -> None:
        assert token in self._allowed(), "a token that the grammar had forbidden"
        self._depth += {OPEN: 1, CLOSE: -1}.get(token, 0)
        self._last = token

    def _allowed(self) -> set[int]:
        if self._last is None:
            return {OPEN}
        if self._depth == 0:
            return {EOS}
        begins = {*DIGITS, *([OPEN] if self._depth < DEEPEST else [])}
        if self._last == OPEN:
            return begins | {CLOSE}
        if self._last == COMMA:
            return begins
        return {COMMA, CLOSE}


OPTIONS = {
    "greedy, kept from repeating itself": {"frequency_penalty": 1.5, "repetition_penalty": 1.2},
    "sampled": {"temperature": 2.5, "seed": 3},
    "sampled and cut": {
        "temperature": 3.0,
        "top_p": 0.9,
        "min_p": 0.02,
        "bad_words": [[5], [3, 6]],
    },
}


@pytest.mark.parametrize("mix", sorted(OPTIONS))
@pytest.mark.parametrize("maker", ["none", "reference", "oracle", "liar", "tree", "half_right"])
def test_a_grammar_holds_and_the_text_is_that_of_plain_decoding(mix, maker):
    decoder = Decoder(tiny_llama())

    def run(drafting, references=()):
        grammar = ListGrammar()
        generation = decoder.generate(
            [1, 2, 3],
            references,
            max_new_tokens=120,
            eos_token_ids=[EOS],
            logits_processor=LogitsProcessorList([grammar]),
            logprobs=2,
            drafting=drafting,
            **OPTIONS[mix],
        )
        assert grammar.calls == len(generation.token_ids)
        return generation

    plain = run("none")
    if plain.finish_reason == "eos":
        json.loads("".join(LETTERS[token] for token in plain.token_ids[:-1]))
    makers = good_makers(1, VOCABULARY, EOS)
    drafting = Prophet(maker, plain.token_ids, makers[maker]) if maker in makers else maker
    drafted = run(drafting, [Reference("said", plain.token_ids)])
    assert drafted.token_ids == plain.token_ids
    assert_same_logprobs(drafted.logprobs, plain.logprobs, within=FLOAT32)
    if maker in ("oracle", "reference"):
        assert drafted.stats.accepted > 0


def test_some_texts_reach_their_end():
    """So that the test above does parse some."""
    reasons = set()
    for seed in range(8):
        generation = Decoder(tiny_llama()).generate(
            [1, 2, 3],
            max_new_tokens=120,
            temperature=3.0,
            seed=seed,
            eos_token_ids=[EOS],
            logits_processor=LogitsProcessorList([ListGrammar()]),
        )
        reasons.add(generation.finish_reason)
        if generation.finish_reason == "eos":
            json.loads("".join(LETTERS[token] for token in generation.token_ids[:-1]))
    assert "eos" in reasons
