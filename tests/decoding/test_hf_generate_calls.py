"""What goes with the tokens of `hf_generate`: streamers, criteria, refusals, and its model."""

import functools
import gc
import io
import weakref
from copy import deepcopy

import numpy as np
import pytest
import torch
from transformers import (
    GenerationConfig,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)
from transformers.generation.streamers import BaseStreamer

from helpers.hf_calls import GREEDY, both, padded
from helpers.tiny_model import tiny_llama
from quoth.decoding import Decoder, Reference, hf_generate
from quoth.decoding.models import profile
from quoth.errors import ConfigError, ContextOverflowError, InputError


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


@pytest.mark.parametrize("seed", ["a", -1, 1.5, True, 2**64])
def test_a_seed_that_is_none_is_named(seed):
    options = {"max_new_tokens": 3, "custom_generate": hf_generate}
    with pytest.raises(ConfigError, match=f"seed is {seed!r}; it must be an integer"):
        tiny_llama().generate(**padded([4, 2], 0), **options, seed=seed)


def test_a_seed_may_be_numpy_s():
    options = {"max_new_tokens": 9, "do_sample": True, "custom_generate": hf_generate}
    ours, plain = (
        tiny_llama().generate(**padded([4, 2], 0), pad_token_id=0, **options, seed=seed)
        for seed in (np.int64(4), 4)
    )
    assert ours.tolist() == plain.tolist()


def test_what_is_wrong_with_a_row_is_said_with_its_number():
    own = [[Reference("a", [1])], [Reference("b", [99])]]
    options = {"max_new_tokens": 3, **GREEDY, "custom_generate": hf_generate}
    with pytest.raises(InputError, match="Row 1 of the batch: The reference 'b' holds"):
        tiny_llama().generate(**padded([4, 2], 0), **options, references=own)


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


@pytest.fixture
def trials(monkeypatch):
    """Grows with each trial of a model."""
    made = []
    real = profile.model_support
    monkeypatch.setattr(profile, "model_support", lambda *a, **k: made.append(1) or real(*a, **k))
    return made


def shortly(model):
    options = {"max_new_tokens": 3, **GREEDY, "custom_generate": hf_generate}
    return model.generate(**padded([4], 0), **options, references=[Reference("a", [1, 2, 3])])


def test_the_model_is_tried_once_for_each_state_that_it_is_in(trials):
    model = deepcopy(tiny_llama())
    for _ in range(3):
        shortly(model)
    assert len(trials) == 1
    shortly(model.bfloat16())
    assert len(trials) == 2


def test_a_copied_or_saved_model_is_tried_anew(trials):
    model, saved = deepcopy(tiny_llama()), io.BytesIO()
    shortly(model)
    torch.save(deepcopy(model), saved)
    saved.seek(0)
    shortly(torch.load(saved, weights_only=False))
    assert len(trials) == 2


def test_the_model_goes_with_its_last_reference_without_the_garbage_collector():
    model = deepcopy(tiny_llama())
    shortly(model)
    shortly(model)
    gone = weakref.ref(model)
    gc.collect()
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
