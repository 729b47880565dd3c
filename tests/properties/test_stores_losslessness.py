"""Stores that know the answer, half of it, or another: the tokens are those of plain decoding."""

import tempfile
from copy import deepcopy
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tiny_model import VOCABULARY, tiny_llama
from quoth.decoding import Decoder, Reference
from quoth.decoding.drafting.lookahead import LookaheadDrafter
from quoth.decoding.drafting.lookahead_store import SMALLEST, LookaheadStore
from quoth.decoding.drafting.phrase_building import build_phrases
from quoth.decoding.drafting.phrase_store import PhraseStore
from quoth.decoding.drafting.phrases import PhrasesDrafter

DECODERS = {
    "float32": Decoder(tiny_llama()),
    "bfloat16": Decoder(deepcopy(tiny_llama()).bfloat16()),  # its drafts may fork
}

token_lists = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=20)
requests = st.fixed_dictionaries(
    {
        "max_new_tokens": st.integers(1, 30),
        "eos_token_ids": st.sampled_from([(), (7,)]),
        "temperature": st.sampled_from([0.0, 0.7, 1.5]),
        "seed": st.integers(0, 1000),
    }
)


def phrases(texts: list[list[int]]) -> PhraseStore:
    with tempfile.TemporaryDirectory() as folder:
        build_phrases(texts, Path(folder) / "p", tokenizer="t", max_bytes=SMALLEST)
        return PhraseStore.open(Path(folder) / "p", tokenizer="t")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(DECODERS)),
    token_lists,
    requests,
    st.lists(token_lists, max_size=3),
    st.integers(0, 20),
    st.sampled_from(["lookahead", "phrases", "all"]),
)
def test_stores_never_change_the_answer(name, prompt, options, others, cut, kind):
    decoder = DECODERS[name]
    plain = decoder.generate(prompt, drafting="none", **options)
    said = [*prompt, *plain.token_ids]
    past = LookaheadStore(SMALLEST)
    known = [*others, said[:cut], said[cut:] * 2]
    for text in known:
        past.add(text, answer_start=len(text) // 2)
    lookahead = LookaheadDrafter(past, own_text=kind == "lookahead")
    drafters = {
        "lookahead": lookahead,
        "phrases": PhrasesDrafter(phrases(known)),
        "all": ["reference", lookahead, PhrasesDrafter(phrases(known))],
    }
    references = [Reference(str(number), text) for number, text in enumerate(others)]
    for _ in range(2):  # the second time the store has heard the answer
        fast = decoder.generate(prompt, references, drafting=drafters[kind], **options)
        assert fast.token_ids == plain.token_ids
        assert fast.finish_reason == plain.finish_reason
        assert fast.stats.draft_failures == 0
