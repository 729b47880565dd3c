"""What the caller hands in is checked, and said plainly."""

import ast
import inspect
from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch
from transformers import BatchEncoding, LogitsProcessorList

from helpers.byte_tokenizers import PieceTokenizer
from helpers.tiny_model import WINDOW, tiny_llama
from quoth.decoding import Decoder, DecodingConfig, DecodingOptions, Reference, hf_generate
from quoth.decoding.drafting.none import NoDrafter
from quoth.decoding.request import Request
from quoth.errors import ConfigError, ContextOverflowError, InputError


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(tiny_llama(), PieceTokenizer())


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([], "empty"),
        ([1, 64, 2], r"outside the vocabulary of 64: 64\."),
        ([1, -1], r"outside the vocabulary of 64: -1\."),
        ([100, 101, 102, 103, 104, 105], r"100, 101, 102, 103, 104, \.\.\."),
        ([1, 2.5], "flat sequence of integers"),
        ([[1, 2]], "flat sequence of integers"),
        ("ab", r"is 'ab' \(str\)\. Encode text first"),
        (["a"], r"holds 'a' \(str\)\. Encode text first"),
        (b"ab", r"is b'ab' \(bytes\)\. Encode text first"),
        (None, "and is None"),
        (5, r"is 5 \(int\)\. Put it into a list"),
        (torch.tensor(5), r"is tensor\(5\) \(Tensor\)\. Put it into a list"),
        (torch.tensor([[1, 2]]), r"holds \[1, 2\] \(list\)\. Give one row"),
        (np.array([1.0]), r"holds 1\.0 \(float\)"),
        ([torch.tensor(1), torch.tensor(0.5)], r"holds tensor\(0\.5000\)"),
        ([True, False], r"holds True \(bool\)\. Is it a mask"),
        ({1, 2}, "no order"),
        (BatchEncoding({"input_ids": [1]}), r"BatchEncoding.*encoding\['input_ids'\]"),
        (Reference("a", [1]), "Reference"),
    ],
)
def test_a_bad_prompt_is_named(decoder, prompt, message):
    with pytest.raises(InputError, match=message):
        decoder.generate(prompt)
    with pytest.raises(InputError, match=f"Row 1 of the batch: .*{message}"):
        decoder.generate_batch([[1], prompt])


@pytest.mark.parametrize("prompts", [None, 5, "ab", {"input_ids": [[1]]}, torch.tensor(5)])
def test_what_is_no_list_of_prompts_is_named(decoder, prompts):
    with pytest.raises(InputError, match=r"prompts must be .* Give a list"):
        decoder.generate_batch(prompts)


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ([Reference("doc 7", [1, 99])], r"reference 'doc 7' holds .* of 64: 99\."),
        ([Reference("a", [1]), Reference("b", [2]), Reference("a", [3])], "same id: a"),
        ([Reference("a", "text")], r"reference 'a' must be .* is 'text' \(str\)\. Encode"),
        ([Reference("a", None)], "reference 'a' must be .* and is None"),
        ([Reference(5, [1])], r"id of a reference is 5 \(int\); it must be a string"),
        ([Reference(["a"], [1])], r"id of a reference is \['a'\]"),
        (["text"], r"hold 'text' \(str\)\. .*Reference\('name', tokenizer"),
        ([[1, 2]], r"hold \[1, 2\] \(list\)"),
        ([{"id": "a", "token_ids": [1]}], r"hold \{.*\} \(dict\)"),
        ([None], "hold None"),
        ("text", r"are 'text' \(str\)"),
        (None, r"are None\. .* \(\) is none"),
        (5, r"are 5 \(int\)"),
        (Reference("a", [1]), "a single one.* Put it into a list"),
    ],
)
def test_bad_references_are_named(decoder, references, message):
    with pytest.raises(InputError, match=message):
        decoder.stream([1, 2], references)
    with pytest.raises(InputError, match=message):
        decoder.generate([1, 2], references)
    with pytest.raises(InputError, match=message):
        decoder.prepare(references)
    with pytest.raises(InputError, match=f"Row 1 of the batch: .*{message}"):
        decoder.generate_batch([[1], [1, 2]], [[], references])
    rows = {"input_ids": torch.tensor([[1, 2]]), "attention_mask": torch.tensor([[1, 1]])}
    with pytest.raises(InputError, match=r"reference"):
        decoder.model.generate(
            **rows, max_new_tokens=2, custom_generate=hf_generate, references=references
        )


def test_references_that_were_prepared_are_copied_as_others_are(decoder):
    references = [
        Reference("a", [5, 6, 7, 8, 9]),
        Reference("b", range(20, 40)),
        Reference("c", []),
    ]
    options = {"max_new_tokens": 12, "eos_token_ids": ()}
    expected = Decoder(decoder.model).generate([5, 6, 7], references, **options)
    decoder.prepare(references)
    found = decoder.generate([5, 6, 7], references, **options)
    assert (found.token_ids, found.copied) == (expected.token_ids, expected.copied)
    assert found.stats.drafted > 0  # how much is drafted follows the clock


def test_whatever_has_an_id_and_token_ids_is_a_reference(decoder):
    @dataclass
    class Passage:
        id: str
        token_ids: np.ndarray

    class Name(str):
        __slots__ = ()

    plain = decoder.generate([1, 2], max_new_tokens=9, drafting="none")
    passages = (Passage(Name("p"), np.array([2, *plain.token_ids])) for _ in range(1))
    ours = decoder.generate([1, 2], passages, max_new_tokens=9)
    assert ours.token_ids == plain.token_ids
    assert [span.reference_id for span in ours.copied] == ["p"]
    assert type(ours.copied[0].reference_id) is str
    assert ours.stats.draft_failures == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"temperature": -0.1}, r"temperature is -0\.1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_p": 0.0}, r"top_p is 0\.0"),
        ({"top_p": 1.1}, r"top_p is 1\.1"),
        ({"top_k": -1}, "top_k is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, r"seed is 1\.5"),
        ({"top_k": 2.0}, r"top_k is 2\.0"),
        ({"max_new_tokens": 2.0}, r"max_new_tokens is 2\.0"),
        ({"max_new_tokens": True}, "max_new_tokens is True"),
        ({"temperature": "0.5"}, r"temperature is '0\.5'; it must be a number: 0 \(greedy\)"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"top_p": True}, "top_p is True"),
        ({"min_p": -0.1}, r"min_p is -0\.1"),
        ({"min_p": 1.01}, r"min_p is 1\.01; it must be a number: from 0"),
        ({"repetition_penalty": 0.0}, r"repetition_penalty is 0\.0; it must be a number: above 0"),
        ({"repetition_penalty": float("inf")}, "repetition_penalty is inf"),
        ({"presence_penalty": float("nan")}, "presence_penalty is nan"),
        ({"frequency_penalty": None}, "frequency_penalty is None; .* 0 is no penalty"),
        ({"bad_words": [5, 6]}, r"bad word 5 .* give each word's token ids, such as \[\[5, 17\]"),
        ({"bad_words": "damn"}, "bad_words is 'damn'; give each word's token ids"),
        ({"bad_words": ["damn"]}, "bad word 'damn' must be a flat sequence of integers"),
        ({"bad_words": 5}, "bad_words is 5"),
        ({"bad_words": [[1], []]}, "word in bad_words is empty"),
        ({"bad_words": [[1, 64], [-1]]}, r"bad_words holds .* vocabulary of 64: 64, -1\."),
        ({"stop": 5}, "stop is 5; it must be a string"),
        ({"stop": [b"a"]}, r"stop is \[b'a'\]"),
        ({"eos_token_ids": 5}, r"eos_token_ids .* such as \(2,\)"),
        ({"eos_token_ids": ["</s>"]}, "eos_token_ids must be a flat sequence of integers"),
        ({"logits_processor": [print]}, "logits_processor is .* LogitsProcessorList"),
        ({"logprobs": 0}, "logprobs is 0; .* 1 or above.* or True, without any"),
        ({"logprobs": 65}, "logprobs is 65; the vocabulary has only 64"),
        ({"logprobs": None}, "logprobs is None"),
        ({"stop": ["a", ""]}, "stop string is empty"),
        ({"drafting": "magic"}, r"no drafting 'magic'\. Known are: auto, .*none, .*reference"),
        ({"drafting": ["none", "sorcery"]}, "no drafting 'sorcery'"),
        ({"drafting": "phrases"}, "quoth phrases build"),
        ({"drafting": None}, "drafting holds None; give names"),
        ({"drafting": b"none"}, "drafting holds b'none'; give names"),
        ({"drafting": NoDrafter}, "drafting holds <class .*NoDrafter'>; give names"),
        ({"temperature": 10**400}, "temperature is 1000"),
        ({"presence_penalty": -(10**400)}, "presence_penalty is -1000"),
        ({"max_new_tokens": np.float64(3)}, r"max_new_tokens is 3\.0"),
    ],
)
def test_bad_settings_are_named_at_once(decoder, options, message):
    with pytest.raises(ConfigError, match=message):
        decoder.stream([1, 2], **options)


def test_a_prompt_that_fills_the_window_is_refused(decoder):
    with pytest.raises(ContextOverflowError) as caught:
        decoder.generate([1] * WINDOW)
    assert (caught.value.needed, caught.value.window) == (WINDOW + 1, WINDOW)
    assert str(caught.value).endswith("Shorten it, or take a model with a longer window.")
    assert len(decoder.generate([1] * (WINDOW - 1), eos_token_ids=()).token_ids) == 1


def test_references_may_be_empty_or_longer_than_the_window(decoder):
    plain = decoder.generate([1, 2, 3], max_new_tokens=20, drafting="none")
    long = [Reference("none", []), Reference("long", [5, 6, *plain.token_ids, 9] * WINDOW)]
    assert decoder.generate([1, 2, 3], long, max_new_tokens=20).token_ids == plain.token_ids


def test_arrays_and_tensors_are_sequences_too(decoder):
    plain = decoder.generate([1, 2, 3], max_new_tokens=5)
    for prompt in (np.array([1, 2, 3]), torch.tensor([1, 2, 3]), (1, 2, 3), iter([1, 2, 3])):
        assert decoder.generate(prompt, max_new_tokens=5).token_ids == plain.token_ids
    prompts = (np.array([1, 2, 3]) for _ in range(2))
    for generation in decoder.generate_batch(prompts, max_new_tokens=5):
        assert generation.token_ids == plain.token_ids


def test_stop_strings_need_a_tokenizer():
    with pytest.raises(ConfigError, match="need a tokenizer"):
        Decoder(tiny_llama()).generate([1], stop="a")


def test_a_stop_string_may_stand_alone(decoder):
    options = {"max_new_tokens": 40, "temperature": 1.5, "seed": 4}
    assert (
        decoder.generate([1], stop="a", **options).token_ids
        == decoder.generate([1], stop=["a"], **options).token_ids
    )


def test_processors_that_forbid_every_token_are_named(decoder):
    def forbid(_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return torch.full_like(scores, -torch.inf)

    with pytest.raises(
        ValueError, match="No token can be chosen at output position 0: every logit"
    ):
        decoder.generate([1], temperature=1.0, logits_processor=LogitsProcessorList([forbid]))


@pytest.mark.parametrize(
    ("returned", "said"),
    [(lambda _: None, "NoneType"), (lambda s: s[0], r"\[64\]"), (lambda s: s[:, :9], r"\[1, 9\]")],
)
def test_processors_that_return_no_scores_are_named(decoder, returned, said):
    processors = LogitsProcessorList([lambda _ids, scores: returned(scores)])
    with pytest.raises(ConfigError, match=rf"returned {said}; .* a tensor of \[1, 64\]"):
        decoder.generate([1], logits_processor=processors)


def test_numbers_of_numpy_are_numbers(decoder):
    options = {"max_new_tokens": 5, "temperature": 0.5, "seed": 3, "top_k": 9, "logprobs": 1}
    given = {name: np.array([value])[0] for name, value in options.items()}
    ours, plain = (decoder.generate([1, 2], **each) for each in (given, options))
    assert (ours.token_ids, ours.logprobs) == (plain.token_ids, plain.logprobs)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("quoth-mini",), r"model is 'quoth-mini' \(str\); .*Decoder\.from_pretrained"),
        ((None,), "model is None"),
        ((tiny_llama(), 5), r"tokenizer is 5 \(int\); it must be a tokenizer"),
        ((tiny_llama(), None, {}), r"config is \{\} \(dict\); it must be a DecodingConfig"),
    ],
)
def test_parts_that_make_no_decoder_are_named(parts, message):
    with pytest.raises(ConfigError, match=message):
        Decoder(*parts)


def test_a_decoder_is_not_tried_again_with_the_profile_of_an_earlier_one(decoder):
    again = Decoder(decoder.model, profile=decoder.profile)
    assert again.profile is decoder.profile
    options = {"max_new_tokens": 9, "temperature": 0.9}
    assert again.generate([1], **options).token_ids == decoder.generate([1], **options).token_ids


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_rows": 0}, "min_rows is 0"),
        ({"max_rows": 0}, "max_rows is 0"),
        ({"batch_width": 1.5}, r"batch_width is 1\.5"),
        ({"max_draft_tokens": -1}, "max_draft_tokens is -1"),
        ({"key_block": 8}, "key_block is 8"),
        ({"max_draft_tokens": 2.0}, r"max_draft_tokens is 2\.0"),
        ({"min_survival": 1.5}, r"min_survival is 1\.5"),
        ({"min_survival": "0.5"}, r"min_survival is '0\.5'"),
        ({"min_survival": True}, "min_survival is True"),
        ({"forks": "no"}, "forks is 'no'"),
    ],
)
def test_a_bad_configuration_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        DecodingConfig(**options)


def test_a_batch_gives_what_single_requests_give(decoder):
    prompts = [[1, 2, 3], [4], [5] * 30]
    sources = [[], [Reference("a", [4, 5, 6])], [Reference("a", [5, 5, 5])]]
    options = {"max_new_tokens": 12, "temperature": 0.9, "seed": 3}
    batch = decoder.generate_batch(prompts, sources, **options)
    for prompt, own, generation in zip(prompts, sources, batch, strict=True):
        assert generation.token_ids == decoder.generate(prompt, own, **options).token_ids
    assert [len(each.token_ids) for each in decoder.generate_batch(prompts, max_new_tokens=3)] == [
        3
    ] * 3
    with pytest.raises(InputError, match="3 prompts and 1 lists"):
        decoder.generate_batch(prompts, [[]])


def test_a_decoder_knows_that_rows_do_not_depend_on_their_neighbours(caplog):
    assert Decoder(tiny_llama()).is_row_invariant
    assert not caplog.records


def test_every_option_is_documented_with_the_default_that_it_has(decoder):
    documented = inspect.getdoc(DecodingOptions)
    request = Request.from_options([1], [], {}, default_eos=())
    defaults = {"drafting": "auto", "eos_token_ids": None}
    for part in (request, request.sampling, request.penalties):
        values = {field.name: getattr(part, field.name) for field in fields(part)}
        defaults = {**values, **defaults}
    for name in DecodingOptions.__optional_keys__:
        entry = documented.partition(f"\n    {name}: ")[2]
        default = entry.partition("[")[2].partition("]")[0]
        assert default, f"{name} is not documented"
        assert ast.literal_eval(default) == defaults[name]


def test_an_option_that_nobody_knows_is_refused(decoder):
    with pytest.raises(TypeError, match="top_q"):
        decoder.generate([1, 2], top_q=0.5)
    with pytest.raises(TypeError, match="top_q"):
        decoder.generate_batch([[1, 2]], top_q=0.5)
