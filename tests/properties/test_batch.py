"""A row of a batch is decoded as it would be by itself, whoever shares its forward passes."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.byte_tokenizers import PieceTokenizer
from helpers.drafters import Prophet, bad_drafters, good_makers
from helpers.tiny_model import VOCABULARY, tiny_gpt2, tiny_llama, tiny_qwen2
from quoth.decoding import (
    Decoder,
    DecodingConfig,
    Draft,
    DraftSession,
    Generation,
    Origin,
    Reference,
)
from quoth.decoding.drafting.protocol import ReferenceTokens

EOS = 7
TOKENIZER = PieceTokenizer()
MAKES = {"llama": tiny_llama, "gpt2": tiny_gpt2, "qwen2": tiny_qwen2}
CONFIG = DecodingConfig(key_block=32, max_rows=3, batch_width=10, prefill_chunk=16)


def new_decoder(name: str, dtype: torch.dtype, config: DecodingConfig = CONFIG) -> Decoder:
    return Decoder(deepcopy(MAKES[name]()).to(dtype), TOKENIZER, config)  # type: ignore[arg-type] # decodes only


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
DECODERS = {
    f"{name} in {kind}": new_decoder(name, DTYPES[kind]) for name in MAKES for kind in DTYPES
}

prompts = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=45)
batches = st.lists(prompts, min_size=2, max_size=6)
options = st.fixed_dictionaries(
    {
        "max_new_tokens": st.integers(1, 20),
        "eos_token_ids": st.sampled_from([(), (EOS,), (EOS, 3, 12)]),
        "stop": st.sampled_from([(), ("a",), ("ab", "st.")]),
        "temperature": st.sampled_from([0.0, 0.0, 0.8, 2.0]),
        "top_p": st.sampled_from([1.0, 0.9]),
        "seed": st.integers(0, 2**64 - 1),
        "repetition_penalty": st.sampled_from([1.0, 1.0, 1.5]),
        "logprobs": st.sampled_from([False, 2]),
    }
)


class Prophets:
    """A drafter that knows the true answer to each prompt; a good or a bad one."""

    name = "prophets"

    def __init__(self, answers: dict[tuple[int, ...], Prophet]) -> None:
        self._answers = answers

    def start(self, prompt: Sequence[int], references: Sequence[ReferenceTokens]) -> DraftSession:
        return self._answers[tuple(prompt)].start(prompt, references)


class Thief:
    """Copies two tokens from the one reference, and then guesses one wrongly."""

    def __init__(self, truth: Sequence[int]) -> None:
        self._truth = list(truth)

    def __call__(self, coming: Sequence[int], budget: int) -> Draft:
        start = len(self._truth) - len(coming)
        tokens = [*coming[:2], (coming[2] + 1) % VOCABULARY if len(coming) > 2 else 0][:budget]
        return Draft.chain(
            tokens,
            [
                Origin(source="reference", reference_id="r", position=start + at)
                for at in range(len(tokens))
            ],
        )


WIDE = {
    f"{name} in {kind}": new_decoder(name, DTYPES[kind], DecodingConfig(key_block=32, max_rows=4))
    for name in ("llama", "gpt2")
    for kind in DTYPES
}


def assert_equal(row: Generation, alone: Generation) -> None:
    assert row.token_ids == alone.token_ids
    assert row.text == alone.text
    assert row.finish_reason == alone.finish_reason
    assert row.logprobs == alone.logprobs
    stats = row.stats
    assert stats.tokens == len(row.token_ids) == 1 + stats.forward_passes + stats.accepted


def alone(decoder: Decoder, batch: Sequence[Sequence[int]], **asked: Any) -> list[Generation]:
    return [decoder.generate(prompt, **asked) for prompt in batch]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(DECODERS)), batches, options)
def test_plain_rows_are_decoded_as_if_alone(
    name: str, batch: list[list[int]], asked: dict[str, Any]
) -> None:
    decoder = DECODERS[name]
    singles = alone(decoder, batch, drafting="none", **asked)
    for row, single in zip(
        decoder.generate_batch(batch, drafting="none", **asked), singles, strict=True
    ):
        assert_equal(row, single)
        assert row.stats.forward_passes == single.stats.forward_passes


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(DECODERS)),
    batches,
    options,
    st.sampled_from(sorted(good_makers(0, VOCABULARY, EOS))),
    st.integers(0, 99),
)
def test_rows_with_drafts_are_decoded_as_if_alone(
    name: str, batch: list[list[int]], asked: dict[str, Any], maker: str, seed: int
) -> None:
    decoder, make = DECODERS[name], good_makers(seed, VOCABULARY, EOS)[maker]
    singles = alone(decoder, batch, drafting="none", **asked)
    answers = {
        tuple(prompt): Prophet(maker, [*single.token_ids, *range(40)], make)
        for prompt, single in zip(batch, singles, strict=True)
    }
    rows = decoder.generate_batch(batch, drafting=Prophets(answers), **asked)
    for row, single in zip(rows, singles, strict=True):
        assert_equal(row, single)
        assert row.stats.draft_failures == 0


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(DECODERS)),
    st.lists(st.tuples(prompts, st.lists(prompts, max_size=2)), min_size=1, max_size=6),
    options,
    st.integers(0, 20),
)
def test_rows_that_copy_are_decoded_as_if_alone(
    name: str,
    batch: list[tuple[list[int], list[list[int]]]],
    asked: dict[str, Any],
    cut: int,
) -> None:
    decoder = DECODERS[name]
    singles = alone(decoder, [prompt for prompt, _ in batch], drafting="none", **asked)
    references = [
        [Reference(str(at), each) for at, each in enumerate([*own, list(single.token_ids[cut:])])]
        for (_, own), single in zip(batch, singles, strict=True)
    ]
    rows = decoder.generate_batch([prompt for prompt, _ in batch], references, **asked)
    for row, single, sources in zip(rows, singles, references, strict=True):
        assert_equal(row, single)
        held = {source.id: list(source.token_ids) for source in sources}
        for span in row.copied:
            end = span.reference_start + span.end - span.start
            copied = held[span.reference_id][span.reference_start : end]
            assert list(row.token_ids[span.start : span.end]) == copied


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(DECODERS)), batches, st.integers(0, len(bad_drafters(())) - 1))
def test_broken_drafters_change_no_row(name: str, batch: list[list[int]], number: int) -> None:
    decoder = DECODERS[name]
    asked = {"max_new_tokens": 12, "eos_token_ids": ()}
    singles = alone(decoder, batch, drafting="none", **asked)
    rows = decoder.generate_batch(batch, drafting=bad_drafters(())[number], **asked)
    for row, single in zip(rows, singles, strict=True):
        assert_equal(row, single)
        assert row.stats.drafted == 0


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(WIDE)), batches, st.integers(1, 20))
def test_where_there_is_width_for_all_drafts_rows_copy_as_if_alone(
    name: str, batch: list[list[int]], max_new_tokens: int
) -> None:
    """The same drafts are verified in the same steps, so passes and spans are the same too."""
    decoder = WIDE[name]
    asked: dict[str, Any] = {"max_new_tokens": max_new_tokens, "eos_token_ids": ()}
    plain = alone(decoder, batch, drafting="none", **asked)
    sources = [[Reference("r", single.token_ids)] for single in plain]
    answers = {
        tuple(prompt): Prophet("thief", single.token_ids, Thief(single.token_ids))
        for prompt, single in zip(batch, plain, strict=True)
    }
    drafting = Prophets(answers)
    rows = decoder.generate_batch(batch, sources, drafting=drafting, **asked)
    for prompt, own, row in zip(batch, sources, rows, strict=True):
        single = decoder.generate(prompt, own, drafting=drafting, **asked)
        assert_equal(row, single)
        assert row.copied == single.copied
        assert row.stats.forward_passes == single.stats.forward_passes
        assert row.stats.drafters == single.stats.drafters


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_rows_share_their_forward_passes(name: str) -> None:
    decoder, calls = DECODERS[name], []
    assert decoder.batches_rows  # tried before passes are counted
    batch = [[1, 2, 3], [4] * 40, [5, 6], [7] * 9, [8, 9] * 5]
    asked: dict[str, Any] = {"max_new_tokens": 20, "eos_token_ids": (), "drafting": "none"}
    hook = decoder.model.register_forward_pre_hook(
        lambda _module, _args, kwargs: calls.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    try:
        rows = decoder.generate_batch(batch, **asked)
        passes, together = len(calls), max(calls[-30:])
        calls.clear()
        alone(decoder, batch, **asked)
    finally:
        hook.remove()
    assert decoder.batch_problem is None
    assert passes < len(calls) / 2
    assert together <= CONFIG.batch_width
    assert all(row.stats.forward_passes == 19 for row in rows)
    assert sum(row.stats.shared_passes for row in rows) > 3 * 19


def test_a_model_that_cannot_share_passes_says_why_and_decodes_row_by_row(caplog) -> None:
    decoder = Decoder(tiny_llama(), config=DecodingConfig(min_rows=1))  # type: ignore[arg-type] # decodes only
    batch = [[1, 2, 3], [4] * 40, [5, 6]]
    rows = decoder.generate_batch(batch, max_new_tokens=12, eos_token_ids=())
    for row, single in zip(
        rows, alone(decoder, batch, max_new_tokens=12, eos_token_ids=()), strict=True
    ):
        assert row.token_ids == single.token_ids
        assert row.stats.shared_passes == 0
    assert not decoder.batches_rows
    assert "beside them" in (decoder.batch_problem or "")
    (record,) = caplog.records
    assert "one after another" in record.getMessage()
