"""Plain and accelerated decoding give what Hugging Face's own `generate` gives, in float32."""

import pytest
import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    PreTrainedModel,
    RepetitionPenaltyLogitsProcessor,
    T5Config,
    T5ForConditionalGeneration,
)

from helpers.tiny_model import VOCABULARY, WINDOW, tiny_gpt2, tiny_llama, tiny_mistral, tiny_mpt
from quoth.decoding import Decoder, DecodingConfig, Reference
from quoth.errors import UnsupportedModelError

MODELS = {"llama": tiny_llama, "gpt2": tiny_gpt2, "mistral": tiny_mistral, "mpt": tiny_mpt}


def hugging_face(model: PreTrainedModel, prompt: list[int], length: int, **options) -> list[int]:
    input_ids = torch.tensor([prompt])
    output = model.generate(
        input_ids,
        attention_mask=torch.ones_like(input_ids),
        max_new_tokens=length,
        do_sample=False,
        pad_token_id=0,
        **options,
    )
    return output[0, len(prompt) :].tolist()


def prompt_of(length: int, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (length,), generator=generator).tolist()


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("length", [1, 3, 30])
def test_greedy_equals_generate(name, length):
    model = MODELS[name]()
    decoder = Decoder(model)
    for seed in range(3):
        prompt = prompt_of(length, seed)
        expected = hugging_face(model, prompt, 60)
        plain = decoder.generate(prompt, max_new_tokens=60, drafting="none")
        copying = decoder.generate(prompt, [Reference("answer", expected[5:50])], max_new_tokens=60)
        assert list(plain.token_ids) == expected
        assert copying.token_ids == plain.token_ids
        assert copying.stats.forward_passes < plain.stats.forward_passes == 59


def test_a_model_that_reads_no_forked_drafts_gets_chains():
    """BLOOM takes no mask of its own and refuses the trial with a tree."""
    settings = {"vocab_size": VOCABULARY, "hidden_size": 64, "n_layer": 2, "n_head": 4}
    torch.manual_seed(0)
    model = BloomForCausalLM(BloomConfig(**settings, eos_token_id=None)).eval()
    for dtype in (torch.float32, torch.bfloat16):
        decoder = Decoder(model.to(dtype))
        plain = decoder.generate([5, 6, 7], max_new_tokens=40, drafting="none")
        source = Reference("answer", plain.token_ids)
        drafted = decoder.generate([5, 6, 7], [source], max_new_tokens=40)
        assert drafted.token_ids == plain.token_ids
        assert drafted.stats.forward_passes < plain.stats.forward_passes


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_a_prompt_read_in_chunks_gives_the_same(name):
    model = MODELS[name]()
    decoder = Decoder(model, config=DecodingConfig(prefill_chunk=7, key_block=40))
    prompt = prompt_of(50, 1)
    plain = decoder.generate(prompt, max_new_tokens=60, drafting="none")
    assert list(plain.token_ids) == hugging_face(model, prompt, 60)
    assert decoder.generate(prompt, max_new_tokens=60).token_ids == plain.token_ids


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_it_goes_on_to_the_last_position_of_the_window(name):
    model = MODELS[name]()
    prompt = prompt_of(WINDOW - 20, 2)
    expected = hugging_face(model, prompt, 20)
    decoder = Decoder(model)
    for drafting in ("none", "auto"):
        generation = decoder.generate(
            prompt, [Reference("answer", expected)], max_new_tokens=500, drafting=drafting
        )
        assert list(generation.token_ids) == expected
        assert generation.finish_reason == "length"


def test_eos_and_processors_apply_as_in_generate():
    model, prompt = tiny_llama(), prompt_of(12, 3)
    free = hugging_face(model, prompt, 40)
    eos = free[15]
    expected = hugging_face(
        model, prompt, 40, eos_token_id=eos, repetition_penalty=1.3, min_length=20
    )
    generation = Decoder(model).generate(
        prompt,
        max_new_tokens=40,
        eos_token_ids=[eos],
        logits_processor=LogitsProcessorList(
            [RepetitionPenaltyLogitsProcessor(1.3), MinLengthLogitsProcessor(20, eos)]
        ),
    )
    assert list(generation.token_ids) == expected


def test_the_models_own_eos_ends_the_text_unless_it_is_switched_off():
    model, prompt = tiny_llama(5), prompt_of(12, 3)
    free = Decoder(model).generate(prompt, max_new_tokens=30)
    eos = free.token_ids[10]
    model.generation_config.eos_token_id = [eos]
    ended = Decoder(model).generate(prompt, max_new_tokens=30)
    assert ended.finish_reason == "eos"
    assert ended.token_ids == free.token_ids[: free.token_ids.index(eos) + 1]
    endless = Decoder(model).generate(prompt, max_new_tokens=30, eos_token_ids=())
    assert endless.token_ids == free.token_ids


def test_an_encoder_decoder_is_refused():
    config = T5Config(vocab_size=64, d_model=32, d_ff=32, num_layers=1, num_heads=2, d_kv=16)
    with pytest.raises(
        UnsupportedModelError, match="'t5' cannot be decoded with: it is an encoder-decoder"
    ):
        Decoder(T5ForConditionalGeneration(config))
