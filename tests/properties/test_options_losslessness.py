"""Every mix of options: drafted text is plain text, and plain text is that of transformers."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LogitsProcessorList, NoRepeatNGramLogitsProcessor

from helpers.drafters import Prophet, bad_drafters, good_makers
from helpers.logprobs import FLOAT32, FORKED_BFLOAT16, assert_same_logprobs
from helpers.option_processors import option_processors
from helpers.plain_decode import plain_decode
from helpers.tiny_model import VOCABULARY, tiny_gpt2, tiny_llama, tiny_mistral
from quoth.decoding import Decoder, Generation, Reference
from quoth.decoding.sampling import Sampling

EOS = 7
MODELS = {"llama": tiny_llama, "gpt2": tiny_gpt2, "mistral": tiny_mistral}
DECODERS = {name: Decoder(make()) for name, make in MODELS.items()}
DECODERS |= {  # whose drafts may be trees; passes over chains have the bits of plain ones
    f"{name} in bfloat16": Decoder(deepcopy(MODELS[name]()).bfloat16())
    for name in ("llama", "gpt2")
}
FORKING = ("tree", "bush")  # makers of drafts
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")

token_lists = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=20)
sampled = st.fixed_dictionaries(
    {
        "temperature": st.floats(0.2, 3.0),
        "top_k": st.sampled_from([0, 0, 1, 5, 20]),
        "top_p": st.sampled_from([1.0, 0.9, 0.3]),
        "min_p": st.sampled_from([0.0, 0.0, 0.02, 0.3]),
        "seed": st.integers(0, 2**64 - 1),
    }
)
penalties = st.fixed_dictionaries(
    {
        "repetition_penalty": st.sampled_from([1.0, 1.2, 2.5, 0.8]),
        "presence_penalty": st.sampled_from([0.0, 0.7, 3.0, -1.0]),
        "frequency_penalty": st.sampled_from([0.0, 0.4, 2.0, -0.6]),
    }
)
Asked = tuple[str, list[int], dict[str, Any], bool]


@st.composite
def requests(draw: st.DrawFn, names: Sequence[str]) -> Asked:
    """Bad words are cut out of the text that would come without them, so that they matter."""
    name, prompt = draw(st.sampled_from(names)), draw(token_lists)
    options = {
        **draw(st.one_of(st.just({}), sampled)),
        **draw(st.one_of(st.just({}), penalties)),
        "logprobs": draw(st.sampled_from([False, True, 3])),
        "max_new_tokens": draw(st.integers(1, 30)),
        "eos_token_ids": draw(st.sampled_from([(), (EOS,), (EOS, 3, 12)])),
    }
    asked = name, prompt, options, draw(st.sampled_from([False, False, True]))
    text = [*prompt, *decode(asked, "none").token_ids]
    cuts = draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 4)), max_size=5))
    options["bad_words"] = [text[start : start + length] for start, length in cuts]
    return asked


def decode(asked: Asked, drafting: Any, references: Sequence[Reference] = ()) -> Generation:
    name, prompt, options, has_processor = asked
    own = LogitsProcessorList([NoRepeatNGramLogitsProcessor(2)]) if has_processor else None
    decoder = DECODERS[name]
    return decoder.generate(prompt, references, **options, logits_processor=own, drafting=drafting)


def assert_same(asked: Asked, drafted: Generation, plain: Generation, *, is_forked: bool) -> None:
    in_bfloat16 = FORKED_BFLOAT16 if is_forked else 0.0
    assert drafted.token_ids == plain.token_ids
    assert drafted.finish_reason == plain.finish_reason
    assert_same_logprobs(
        drafted.logprobs, plain.logprobs, within=in_bfloat16 if "bfloat16" in asked[0] else FLOAT32
    )
    assert drafted.stats.tokens == 1 + drafted.stats.forward_passes + drafted.stats.accepted


@settings(max_examples=80, deadline=None, derandomize=True)
@given(requests(sorted(MODELS)))
def test_plain_decoding_applies_the_options_as_transformers_does(asked: Asked) -> None:
    """Derandomised: the yardstick computes other bits, and one sample in a million may flip."""
    name, prompt, options, has_processor = asked
    own = LogitsProcessorList([NoRepeatNGramLogitsProcessor(2)]) if has_processor else None
    tokens, reason = plain_decode(
        MODELS[name](),
        prompt,
        max_new_tokens=options["max_new_tokens"],
        sampling=Sampling(**{key: options[key] for key in SAMPLING if key in options}),
        eos_token_ids=options["eos_token_ids"],
        logits_processor=option_processors(options, len(prompt), own),
    )
    plain = decode(asked, "none")
    assert (list(plain.token_ids), plain.finish_reason) == (tokens, reason)


@settings(max_examples=150, deadline=None)
@given(
    requests(sorted(DECODERS)),
    st.sampled_from(sorted(good_makers(0, VOCABULARY, EOS))),
    st.integers(0, 99),
)
def test_a_drafter_never_changes_what_the_options_give(asked: Asked, maker: str, seed: int) -> None:
    plain = decode(asked, "none")
    make = good_makers(seed, VOCABULARY, EOS)[maker]
    prophet = Prophet(maker, [*plain.token_ids, *range(40)], make)
    drafted = decode(asked, prophet, [Reference("r", plain.token_ids)])
    assert_same(asked, drafted, plain, is_forked=maker in FORKING)
    if maker == "oracle" and drafted.stats.exactness == "invariant":
        assert drafted.stats.forward_passes <= 1


@settings(max_examples=80, deadline=None)
@given(requests(sorted(DECODERS)), st.lists(token_lists, max_size=2), st.integers(0, 20))
def test_copies_from_references_never_change_what_the_options_give(
    asked: Asked, sources: list[list[int]], cut: int
) -> None:
    plain = decode(asked, "none")
    free = decode((asked[0], asked[1], {"max_new_tokens": 30}, False), "none")
    sources = [*sources, list(plain.token_ids[cut:]) * 2, list(free.token_ids)]
    references = [Reference(str(number), source) for number, source in enumerate(sources)]
    assert_same(asked, decode(asked, "auto", references), plain, is_forked=True)


@settings(max_examples=25, deadline=None)
@given(requests(sorted(DECODERS)), st.integers(0, len(bad_drafters(())) - 1))
def test_broken_drafters_never_change_what_the_options_give(asked: Asked, number: int) -> None:
    plain = decode(asked, "none")
    assert_same(asked, decode(asked, bad_drafters(plain.token_ids)[number]), plain, is_forked=False)


@settings(max_examples=6, deadline=None)
@given(token_lists, sampled, penalties, st.integers(0, 99))
def test_one_seed_gives_one_text_with_any_drafting(
    prompt: list[int], how: dict[str, Any], penalised: dict[str, Any], seed: int
) -> None:
    asked: Asked = ("llama in bfloat16", prompt, {**how, **penalised, "max_new_tokens": 25}, False)
    plain = decode(asked, "none")
    assert decode(asked, "none").token_ids == plain.token_ids
    for maker, make in good_makers(seed, VOCABULARY, EOS).items():
        drafting = [Prophet(maker, [*plain.token_ids, *range(40)], make), "reference"]
        assert decode(asked, drafting).token_ids == plain.token_ids


def test_other_seeds_give_other_texts() -> None:
    texts = {
        decode(("llama", [1, 2], {"temperature": 2.0, "seed": seed}, False), "none").token_ids
        for seed in (0, 1, 2, 2**64 - 1)
    }
    assert len(texts) == 4


@settings(max_examples=15, deadline=None)
@given(requests(["llama", "llama in bfloat16"]), st.lists(token_lists, min_size=1, max_size=3))
def test_rows_of_a_batch_get_what_the_options_give_alone(
    asked: Asked, prompts: list[list[int]]
) -> None:
    name, prompt, options, _ = asked
    prompts = [prompt, *prompts]
    sources = [[Reference("r", own)] for own in prompts]
    rows = DECODERS[name].generate_batch(prompts, sources, **options)
    for own, source, row in zip(prompts, sources, rows, strict=True):
        alone = decode((name, own, options, False), "none", source)
        assert row.token_ids == alone.token_ids
        within = FORKED_BFLOAT16 if "bfloat16" in name else FLOAT32
        assert_same_logprobs(row.logprobs, alone.logprobs, within=within)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=1000, deadline=None)
@given(
    requests(sorted(DECODERS)),
    st.sampled_from(sorted(good_makers(0, VOCABULARY, EOS))),
    st.integers(0, 999),
    st.booleans(),
)
def test_drafters_together_never_change_what_the_options_give(
    asked: Asked, maker: str, seed: int, has_reference: bool
) -> None:
    plain = decode(asked, "none")
    prophet = Prophet(
        maker, [*plain.token_ids, *range(40)], good_makers(seed, VOCABULARY, EOS)[maker]
    )
    drafting = [prophet, *(["reference"] if has_reference else [])]
    references = [Reference("r", plain.token_ids), Reference("s", plain.token_ids[seed % 9 :])]
    assert_same(asked, decode(asked, drafting, references), plain, is_forked=True)
