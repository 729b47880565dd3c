"""`model.generate(..., custom_generate=hf_generate)` gives what `model.generate(...)` gives."""

import functools
from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)
from transformers.generation.streamers import BaseStreamer

from helpers.tiny_model import VOCABULARY, tiny_gpt2, tiny_llama, tiny_mistral
from quoth.decoding import Decoder, Reference, hf_generate
from quoth.errors import ConfigError, ContextOverflowError, InputError

MODELS = {
    "llama": tiny_llama(),
    "gpt2": tiny_gpt2(),
    "mistral": tiny_mistral(),
    "llama in float64": deepcopy(tiny_llama()).double(),
}
EOS, PAD = 7, 0
GREEDY = {"do_sample": False, "pad_token_id": PAD}
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


def padded(lengths: list[int], seed: int) -> dict[str, torch.Tensor]:
    """Random prompts as a batch that is padded on the left."""
    generator = torch.Generator().manual_seed(seed)
    width = max(lengths)
    ids = torch.randint(1, VOCABULARY, (len(lengths), width), generator=generator)
    mask = torch.tensor([[0] * (width - n) + [1] * n for n in lengths])
    return {"input_ids": ids * mask, "attention_mask": mask}


def both(model, inputs, **options):
    plain = model.generate(**inputs, **options)
    return plain, model.generate(**inputs, **options, custom_generate=hf_generate)


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
        references=[Reference("answer", plain[0, 9:].tolist())],
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


class Listener(BaseStreamer):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def put(self, value: torch.Tensor) -> None:
        self.heard.append((tuple(value.shape), value.tolist()))

    def end(self) -> None:
        self.heard.append("end")


def test_a_streamer_hears_what_generate_tells_it():
    model, inputs = tiny_llama(), padded([5], 2)
    heard = []
    for options in (
        {},
        {"custom_generate": hf_generate},
        {"custom_generate": functools.partial(hf_generate, streamer=Listener())},
    ):
        own = getattr(options.get("custom_generate"), "keywords", {}).get("streamer")
        listener = own or Listener()
        given_ = {} if own else {"streamer": listener}
        model.generate(**inputs, max_new_tokens=12, **GREEDY, **options, **given_)
        heard.append(listener.heard)
    assert heard[0] == heard[1] == heard[2]
    assert heard[0][0] == ((1, 5), inputs["input_ids"].tolist())


def test_a_text_streamer_comes_to_its_end():
    decoder = Decoder.from_pretrained("quoth-mini", device="cpu", dtype="float32")
    inputs = decoder.tokenizer("Question: what?", return_tensors="pt", return_token_type_ids=False)
    texts = []
    for options in ({}, {"custom_generate": hf_generate}):
        streamer = TextIteratorStreamer(decoder.tokenizer, timeout=5)
        decoder.model.generate(**inputs, max_new_tokens=8, streamer=streamer, **options)
        texts.append("".join(streamer))
    assert texts[0] == texts[1]


class Remember(StoppingCriteria):
    """Keeps what it is shown, and stops at a length."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.seen: list[object] = []

    def __call__(self, input_ids, scores, **kwargs):
        shown = None if scores is None else [row.argmax(dim=-1).tolist() for row in scores]
        self.seen.append((input_ids.tolist(), shown))
        return torch.full((len(input_ids),), input_ids.shape[1] >= self.length)


@pytest.mark.parametrize("with_scores", [False, True])
def test_criteria_are_asked_after_each_token_with_the_exact_prefix(with_scores):
    model, inputs = tiny_llama(), padded([5], 3)
    options = {**GREEDY, "max_new_tokens": 30}
    if with_scores:
        options |= {"return_dict_in_generate": True, "output_scores": True}
    answer = model.generate(**inputs, max_new_tokens=30, **GREEDY)[0, 5:].tolist()
    seen = []
    for extra in ({}, {"custom_generate": hf_generate, "references": [Reference("a", answer)]}):
        criterion = Remember(17)
        output = model.generate(
            **inputs, **options, **extra, stopping_criteria=StoppingCriteriaList([criterion])
        )
        tokens = output.sequences if with_scores else output
        seen.append((tokens.tolist(), criterion.seen))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 12


def test_rows_without_eos_go_on_to_the_end_of_the_longest():
    """A quirk of `generate`: only EOS makes it pad the rows that a criterion has ended."""

    class OneRow(StoppingCriteria):
        def __call__(self, input_ids, scores, **kwargs):
            ends = [12, 20]
            return torch.tensor([input_ids.shape[1] >= ends[row] for row in range(len(input_ids))])

    plain, ours = both(
        tiny_llama(),
        padded([5, 3], 3),
        max_new_tokens=30,
        **GREEDY,
        stopping_criteria=StoppingCriteriaList([OneRow()]),
    )
    assert ours.tolist() == plain.tolist()
    assert plain.shape[1] == 20


def test_stop_strings_end_the_text_where_generate_ends_it():
    decoder = Decoder.from_pretrained("quoth-mini", device="cpu", dtype="float32")
    model, tokenizer = decoder.model, decoder.tokenizer
    inputs = tokenizer("The index keeps", return_tensors="pt", return_token_type_ids=False)
    free = model.generate(**inputs, max_new_tokens=30, do_sample=False)
    text = tokenizer.decode(free[0, inputs["input_ids"].shape[1] :])
    stop = text[len(text) // 2 :][:4]
    plain, ours = both(
        model, inputs, max_new_tokens=30, do_sample=False, stop_strings=stop, tokenizer=tokenizer
    )
    assert ours.tolist() == plain.tolist()
    assert plain.shape[1] < free.shape[1]
    with pytest.raises(ConfigError, match="need the tokenizer"):
        model.generate(**inputs, stop_strings=stop, max_new_tokens=3, custom_generate=hf_generate)


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


REFUSED = {
    "beam search": {"num_beams": 2},
    "assisted generation": {"prompt_lookup_num_tokens": 3},
    "contrastive search": {"penalty_alpha": 0.6, "top_k": 4},
    "output_attentions": {"return_dict_in_generate": True, "output_attentions": True},
    "output_hidden_states": {"return_dict_in_generate": True, "output_hidden_states": True},
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_it_cannot_do_is_refused_with_a_remedy(what):
    with pytest.raises(ConfigError, match=rf"{what}.*[Dd]rop"):
        tiny_llama().generate(
            **padded([4], 0),
            max_new_tokens=3,
            **{**GREEDY, **REFUSED[what]},
            custom_generate=hf_generate,
        )


def test_an_assistant_model_is_refused_and_not_ignored():
    with pytest.raises(ConfigError, match="assisted generation"):
        tiny_llama().generate(
            **padded([4], 0),
            max_new_tokens=3,
            **GREEDY,
            assistant_model=tiny_llama(1),
            custom_generate=hf_generate,
        )


def test_inputs_that_it_cannot_read_are_refused():
    model, inputs = tiny_llama(), padded([4, 4], 0)
    options = {"max_new_tokens": 3, **GREEDY, "custom_generate": hf_generate}
    holes = torch.tensor([[1, 0, 1, 1], [1, 1, 1, 1]])
    with pytest.raises(InputError, match="row 0 has zeros behind"):
        model.generate(inputs["input_ids"], attention_mask=holes, **options)
    with pytest.raises(ConfigError, match="position_ids of row 0"):
        model.generate(**inputs, position_ids=torch.tensor([[0, 1, 2, 9]] * 2), **options)
    with pytest.raises(ConfigError, match="A streamer shows one row"):
        model.generate(**inputs, streamer=Listener(), **options)
    past = model(inputs["input_ids"][:, :2]).past_key_values
    with pytest.raises(ConfigError, match="past_key_values"):
        model.generate(**inputs, past_key_values=past, **options)
    with pytest.raises(ConfigError, match="not called directly"):
        hf_generate(model, inputs["input_ids"])
    with pytest.raises(ContextOverflowError):
        model.generate(torch.ones((1, 256), dtype=torch.long), **options)


def test_the_end_of_the_window_ends_the_text_with_a_warning(caplog):
    ids = torch.ones((1, 250), dtype=torch.long)
    output = tiny_llama().generate(ids, max_new_tokens=30, **GREEDY, custom_generate=hf_generate)
    assert output.shape[1] == 256
    assert "fills the model's window" in caplog.text


def test_a_model_in_training_stays_in_training():
    model = deepcopy(tiny_llama())
    model.train()
    model.model.layers[0].eval()
    before = [module.training for module in model.modules()]
    config = GenerationConfig(max_new_tokens=4, do_sample=False)
    output = model.generate(**padded([4], 0), generation_config=config, custom_generate=hf_generate)
    assert output.shape == (1, 8)
    assert [module.training for module in model.modules()] == before


def test_the_model_is_tried_once_and_can_be_freed(monkeypatch):
    import gc
    import io
    import weakref

    import quoth.decoding.decoder as decoder_module

    trials = []
    real = decoder_module.model_support
    monkeypatch.setattr(
        decoder_module, "model_support", lambda *a, **k: trials.append(1) or real(*a, **k)
    )
    model = deepcopy(tiny_llama())
    for _ in range(3):
        model.generate(**padded([4], 0), max_new_tokens=3, **GREEDY, custom_generate=hf_generate)
    assert len(trials) == 1
    model.bfloat16()
    model.generate(**padded([4], 0), max_new_tokens=3, **GREEDY, custom_generate=hf_generate)
    assert len(trials) == 2
    gone, saved = weakref.ref(model), io.BytesIO()
    torch.save(deepcopy(model), saved)
    saved.seek(0)
    copied = torch.load(saved, weights_only=False)
    del model
    gc.collect()
    assert gone() is None
    copied.generate(**padded([4], 0), max_new_tokens=3, **GREEDY, custom_generate=hf_generate)
    assert len(trials) == 3
