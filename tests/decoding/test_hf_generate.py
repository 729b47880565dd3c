"""`model.generate(..., custom_generate=hf_generate)` gives what `model.generate(...)` gives."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LogitsProcessor, LogitsProcessorList

from helpers.hf_calls import EOS, GREEDY, PAD, both, padded
from helpers.tiny_model import VOCABULARY, tiny_gpt2, tiny_llama, tiny_mistral
from quoth.decoding import Reference, hf_generate
from quoth.errors import InputError

MODELS = {
    "llama": tiny_llama(),
    "gpt2": tiny_gpt2(),
    "mistral": tiny_mistral(),
    "llama in float64": deepcopy(tiny_llama()).double(),
}
lengths = st.lists(st.integers(1, 12), min_size=1, max_size=3)
processing = st.fixed_dictionaries(
    {},
    optional={
        "repetition_penalty": st.sampled_from([1.4, 0.8]),
        "no_repeat_ngram_size": st.integers(1, 3),
        "min_new_tokens": st.integers(1, 20),
        "min_length": st.integers(1, 20),
        "bad_words_ids": st.just([[3], [5, 6]]),
        "suppress_tokens": st.just([9, 10, 11]),
        "begin_suppress_tokens": st.just([12, 13]),
        "sequence_bias": st.just([[[4], 3.0], [[8, 9], -4.0]]),
        "forced_eos_token_id": st.just(2),
        "exponential_decay_length_penalty": st.just((3, 1.3)),
        "encoder_repetition_penalty": st.just(1.5),
        "encoder_no_repeat_ngram_size": st.just(2),
        "renormalize_logits": st.just(True),
        "eos_token_id": st.sampled_from([EOS, [EOS, 20, 21]]),
        "return_dict_in_generate": st.just(True),
        "output_scores": st.just(True),
        "output_logits": st.just(True),
    },
)


def settled(name, sizes, options):
    """Left out: what `generate` warns of, and padding in float64, where it computes NaN."""
    if "float64" in name:
        sizes = sizes[:1] * len(sizes)
    without = "min_length" if "min_new_tokens" in options else ""
    if "eos_token_id" not in options:
        without = ("min_", "expon")
    return sizes, {k: v for k, v in options.items() if not without or not k.startswith(without)}


def assert_close_until_the_end(ours, plain, start):
    """Scores or logits, up to the end of each row; behind it `generate` has those of padding."""
    assert (ours is None) == (plain is None)
    for step, (found, expected) in enumerate(zip(ours or (), plain or (), strict=True)):
        for row, tokens in enumerate(start):
            if not {EOS, 20, 21} & set(tokens[:step]):
                torch.testing.assert_close(found[row], expected[row], rtol=1e-3, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(MODELS)), lengths, st.integers(0, 99), processing)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_greedy_tokens_scores_and_logits_are_those_of_generate(name, sizes, seed, options):
    sizes, options = settled(name, sizes, options)
    inputs = padded(sizes, seed)
    plain, ours = both(MODELS[name], inputs, max_new_tokens=20, **GREEDY, **options)
    if not options.get("return_dict_in_generate"):
        assert ours.tolist() == plain.tolist()
        return
    assert ours.sequences.tolist() == plain.sequences.tolist()
    texts = plain.sequences[:, max(sizes) :].tolist()
    assert_close_until_the_end(ours.scores, plain.scores, texts)
    assert_close_until_the_end(ours.logits, plain.logits, texts)


def test_copies_save_passes_and_the_output_counts_them():
    model, inputs = tiny_llama(), padded([9], 1)
    plain = model.generate(**inputs, max_new_tokens=40, **GREEDY)
    ours = model.generate(
        **inputs,
        max_new_tokens=40,
        **GREEDY,
        return_dict_in_generate=True,
        custom_generate=hf_generate,
        references=(Reference("answer", row[9:].tolist()) for row in plain),
    )
    assert ours.sequences.tolist() == plain.tolist()
    assert ours.stats[0].forward_passes < 20


def test_each_row_may_have_references_of_its_own():
    model, inputs = tiny_llama(), padded([9, 4], 1)
    plain = model.generate(**inputs, max_new_tokens=30, **GREEDY)
    options = {"max_new_tokens": 30, **GREEDY, "custom_generate": hf_generate}
    own = [[Reference("answer", row[9:].tolist())] for row in plain]
    ours = model.generate(**inputs, **options, return_dict_in_generate=True, references=own)
    assert ours.sequences.tolist() == plain.tolist()
    assert all(stats.forward_passes < 20 for stats in ours.stats)
    with pytest.raises(InputError, match="2 rows and 1 lists"):
        model.generate(**inputs, **options, references=own[:1])


WARPERS = [
    {},
    {"temperature": 0.6, "top_k": 5},
    {"top_p": 0.8, "min_p": 0.02},
    {"typical_p": 0.9, "repetition_penalty": 1.2},
    {"epsilon_cutoff": 0.01, "renormalize_logits": True},
]


@pytest.mark.parametrize("warpers", WARPERS, ids=str)
def test_sampling_repeats_with_the_seed_and_does_not_depend_on_drafts(warpers):
    model, inputs = tiny_llama(), padded([5, 2], 4)
    options = {"max_new_tokens": 25, "do_sample": True, "pad_token_id": PAD, "top_k": 0, **warpers}

    def sampled(**extra):
        return model.generate(**inputs, **options, **extra, custom_generate=hf_generate).tolist()

    first = sampled(seed=3)
    own = [[Reference("answer", row[5:])] for row in first]
    assert sampled(seed=3, references=own) == sampled(seed=3, drafting="none") == first
    assert sampled(seed=4) != first
    torch.manual_seed(11)
    drawn = sampled(), sampled()
    torch.manual_seed(11)
    assert (sampled(drafting="none"), sampled(drafting="none")) == drawn
    assert drawn[0] != drawn[1]


def test_samples_have_the_distribution_of_generate():
    model, inputs = tiny_llama(), padded([5], 4)
    options = {"max_new_tokens": 1, "do_sample": True, "temperature": 3.0, "top_k": 4}
    torch.manual_seed(0)
    theirs = model.generate(**inputs, **options, num_return_sequences=400)[:, -1]
    ours = model.generate(
        **inputs, **options, num_return_sequences=400, custom_generate=hf_generate, drafting="none"
    )[:, -1]
    shares = [torch.bincount(t, minlength=VOCABULARY) / len(t) for t in (theirs, ours)]
    assert (shares[0] - shares[1]).abs().max() < 0.12


class Counting(LogitsProcessor):
    """Has a memory: forbids at each call what it was shown at the one before."""

    def __init__(self) -> None:
        self.best = 0

    def __call__(self, input_ids, scores):
        scores = scores.clone()
        scores[:, self.best] = -float("inf")
        self.best = int(scores[0].argmax())
        return scores


def test_processors_with_a_memory_work_in_one_row_and_apart_in_a_batch():
    model = tiny_llama()
    options = {"max_new_tokens": 20, **GREEDY, "custom_generate": hf_generate}
    for sizes in ([4], [4, 4]):
        inputs = padded(sizes, 6)
        together = model.generate(
            **inputs, **options, logits_processor=LogitsProcessorList([Counting()])
        )
        for row in range(len(sizes)):
            alone = model.generate(
                inputs["input_ids"][row : row + 1],
                max_new_tokens=20,
                **GREEDY,
                logits_processor=LogitsProcessorList([Counting()]),
            )
            assert together[row].tolist() == alone[0].tolist()


def test_allowed_tokens_may_depend_on_the_row():
    allowed = {0: [1, 2, 3, 4], 1: [5, 6, 8, 9]}
    plain, ours = both(
        tiny_llama(),
        padded([4, 2], 8),
        max_new_tokens=15,
        **GREEDY,
        prefix_allowed_tokens_fn=lambda row, _ids: allowed[row],
    )
    assert ours.tolist() == plain.tolist()
