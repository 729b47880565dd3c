"""Whatever a drafter does: the same tokens, text and end as plain decoding, greedy and sampled."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)

from helpers.byte_tokenizers import PieceTokenizer
from helpers.drafters import Prophet, bad_drafters, good_makers
from helpers.plain_decode import plain_decode
from helpers.tiny_model import VOCABULARY, tiny_gpt2, tiny_llama, tiny_mistral
from quoth.decoding import Decoder, Draft, Generation, Reference
from quoth.decoding.drafting.selection import Drafting
from quoth.decoding.sampling import Sampling

TOKENIZER = PieceTokenizer()
MODELS = {"llama": tiny_llama, "gpt2": tiny_gpt2, "mistral": tiny_mistral}
EOS = 7

token_lists = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=20)
sampled = st.fixed_dictionaries(
    {
        "temperature": st.floats(0.2, 3.0),
        "top_k": st.sampled_from([0, 1, 5, 20]),
        "top_p": st.sampled_from([1.0, 0.9, 0.3]),
        "seed": st.integers(0, 2**64 - 1),
    }
)
endings = st.fixed_dictionaries(
    {
        "max_new_tokens": st.integers(1, 30),
        "eos_token_ids": st.sampled_from([(), (EOS,), (EOS, 3, 12)]),
        "stop": st.sampled_from(
            [(), ("a",), ("ab", "st."), (" the", "\n"), ("é",), ("\ufffdb", "x")]
        ),
    }
)


def processors(kind: str) -> LogitsProcessorList | None:
    """Fresh ones for each run: a processor may keep a state."""
    match kind:
        case "penalty":
            return LogitsProcessorList([RepetitionPenaltyLogitsProcessor(1.7)])
        case "no repeats":
            return LogitsProcessorList([NoRepeatNGramLogitsProcessor(2)])
        case _:
            return None


@st.composite
def requests(draw: st.DrawFn, names: Sequence[str]) -> tuple[str, list[int], dict[str, Any], str]:
    options = {**draw(st.one_of(st.just({}), sampled)), **draw(endings)}
    kind = draw(st.sampled_from(["", "", "penalty", "no repeats"]))
    return draw(st.sampled_from(names)), draw(token_lists), options, kind


FORKING = ("llama in bfloat16", "gpt2 in bfloat16")  # their drafts may be trees
DECODERS = {name: Decoder(make(), TOKENIZER) for name, make in MODELS.items()}  # type: ignore[arg-type] # decodes only
DECODERS |= {
    name: Decoder(deepcopy(MODELS[name.split()[0]]()).bfloat16(), TOKENIZER)  # type: ignore[arg-type] # decodes only
    for name in FORKING
}


def decode(
    request: tuple[str, list[int], dict[str, Any], str],
    drafting: Drafting,
    references: Sequence[Reference] = (),
) -> Generation:
    name, prompt, options, kind = request
    return DECODERS[name].generate(
        prompt, references, **options, logits_processor=processors(kind), drafting=drafting
    )


def assert_same(accelerated: Generation, plain: Generation) -> None:
    assert accelerated.token_ids == plain.token_ids
    assert accelerated.text == plain.text
    assert accelerated.finish_reason == plain.finish_reason
    stats = accelerated.stats
    assert stats.tokens == len(accelerated.token_ids) == 1 + stats.forward_passes + stats.accepted
    assert stats.accepted <= stats.drafted


@settings(max_examples=100, deadline=None, derandomize=True)
@given(requests(sorted(MODELS)))
def test_plain_decoding_is_decoding_one_token_at_a_time(
    request: tuple[str, list[int], dict[str, Any], str],
) -> None:
    """Derandomised: the yardstick computes other bits, and one sample in a million may flip."""
    name, prompt, options, kind = request
    noise = {
        key: value
        for key, value in options.items()
        if key not in {"max_new_tokens", "eos_token_ids", "stop"}
    }
    tokens, reason = plain_decode(
        MODELS[name](),
        prompt,
        max_new_tokens=options["max_new_tokens"],
        sampling=Sampling(**noise),
        eos_token_ids=options["eos_token_ids"],
        stop=options["stop"],
        decode=TOKENIZER.decode,
        logits_processor=processors(kind),
    )
    plain = decode(request, "none")
    assert (list(plain.token_ids), plain.finish_reason) == (tokens, reason)
    whole = TOKENIZER.decode(tokens[:-1] if reason == "eos" else tokens)
    cut = min((whole.find(text) for text in options["stop"] if text in whole), default=len(whole))
    assert plain.text == (whole[:cut] if reason == "stop" else whole)


@pytest.mark.parametrize("name", FORKING)
def test_trees_are_verified_where_their_bits_are_those_of_plain_passes(name: str) -> None:
    decoder = DECODERS[name]
    plain = decoder.generate([5, 6, 7], max_new_tokens=40, eos_token_ids=(), drafting="none")
    drafting = Prophet("tree", plain.token_ids, _side_branch)
    accelerated = decoder.generate(
        [5, 6, 7], max_new_tokens=40, eos_token_ids=(), drafting=drafting
    )
    assert accelerated.token_ids == plain.token_ids
    assert accelerated.stats.forward_passes < plain.stats.forward_passes / 2


def _side_branch(truth: Sequence[int], budget: int) -> Draft:
    """A wrong first child of the root, and the truth behind it as a second branch."""
    right = tuple(truth[: max(0, min(budget, 6) - 1)])
    wrong = (truth[0] + 1) % VOCABULARY if truth else 0
    return Draft(
        tokens=(wrong, *right),
        parents=(-1, -1, *range(1, len(right)))[: 1 + len(right)],
        origins=(None,) * (1 + len(right)),
    )


@settings(max_examples=250, deadline=None)
@given(
    requests(sorted(DECODERS)),
    st.sampled_from(sorted(good_makers(0, VOCABULARY, EOS))),
    st.integers(0, 99),
)
def test_a_drafter_never_changes_the_answer(
    request: tuple[str, list[int], dict[str, Any], str], maker: str, seed: int
) -> None:
    plain = decode(request, "none")
    make = good_makers(seed, VOCABULARY, EOS)[maker]
    prophet = Prophet(maker, [*plain.token_ids, *range(40)], make)
    accelerated = decode(request, prophet, [Reference("r", plain.token_ids)])
    assert_same(accelerated, plain)
    assert accelerated.stats.draft_failures == 0
    if maker == "oracle" and accelerated.stats.exactness == "invariant":
        assert accelerated.stats.forward_passes <= 1


@settings(max_examples=250, deadline=None)
@given(requests(sorted(DECODERS)), st.lists(token_lists, max_size=3), st.integers(0, 20))
def test_the_reference_drafter_never_changes_the_answer(
    request: tuple[str, list[int], dict[str, Any], str], sources: list[list[int]], cut: int
) -> None:
    plain = decode(request, "none")
    sources = [*sources, list(plain.token_ids[cut:]) * 2]
    references = [Reference(str(number), source) for number, source in enumerate(sources)]
    assert_same(decode(request, "auto", references), plain)


@pytest.mark.parametrize("drafting", ["recycle", "jacobi", ("reference", "recycle", "jacobi")])
@settings(max_examples=70, deadline=None)
@given(requests(sorted(DECODERS)), token_lists)
def test_drafters_that_read_the_models_guesses_never_change_the_answer(
    drafting: Drafting, request: tuple[str, list[int], dict[str, Any], str], source: list[int]
) -> None:
    plain = decode(request, "none")
    accelerated = decode(request, drafting, [Reference("r", source)])
    assert_same(accelerated, plain)
    assert accelerated.stats.draft_failures == 0


@pytest.mark.parametrize("number", range(len(bad_drafters(()))))
@settings(max_examples=5, deadline=None)
@given(requests(sorted(DECODERS)))
def test_a_broken_drafter_is_counted_and_never_changes_the_answer(
    number: int, request: tuple[str, list[int], dict[str, Any], str]
) -> None:
    plain = decode(request, "none")
    accelerated = decode(request, bad_drafters(plain.token_ids)[number])
    assert_same(accelerated, plain)
    assert accelerated.stats.drafted == 0
    is_asked = accelerated.stats.exactness != "plain"
    if is_asked and accelerated.stats.forward_passes > 1:  # somebody was asked for a draft
        assert 1 <= accelerated.stats.draft_failures <= 3
