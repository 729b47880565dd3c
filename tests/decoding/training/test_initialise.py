"""The hand-made circuits work before any training."""

import random
from itertools import pairwise

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from helpers.made_corpus import sentence
from quoth.decoding.training.features import minilm_word_vectors, token_features
from quoth.decoding.training.initialise import initialise
from quoth.decoding.training.prompts import question_message
from quoth.decoding.training.recipe import MiniRecipe
from quoth.decoding.training.subspaces import Subspaces
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    rng = random.Random(0)
    return train_tokenizer([sentence(rng) for _ in range(400)], vocab_size=600)


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    rng = random.Random(1)
    texts = [sentence(rng) for _ in range(200)]
    features = token_features(tokenizer, texts, minilm_word_vectors)
    config = MiniRecipe.cpu().config()
    config.vocab_size = len(tokenizer)
    return initialise(config, features, torch.Generator().manual_seed(0)).eval()


def _ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@torch.inference_mode()
def test_a_repeated_stretch_is_copied_without_training(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    passage = _ids(tokenizer, USER + "The mill of Ghent lends 31 violins and Porto holds salt.")
    again = passage[3:]
    chosen = model(torch.tensor([passage + again])).logits[0].argmax(dim=-1)
    expected = torch.tensor(again[4:])
    hits = chosen[len(passage) + 3 : -1] == expected
    assert hits.float().mean() > 0.7


@torch.inference_mode()
def test_a_copy_keeps_its_place_where_phrases_recur(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    quoted = "Porto sold four barrels of salt to the old mill of Ghent every spring."
    passages = [
        "Riga bought nine violins and lends them to the old mill of Ghent in winter.",
        quoted + " Lima sent two ropes to the old mill of Ghent last year.",
    ]
    message = question_message("barrels of salt?", passages)
    prompt = _ids(tokenizer, f"{USER}{message}{END}{ASSISTANT}[2]")
    answer = _ids(tokenizer, " " + quoted)
    chosen = model(torch.tensor([prompt + answer])).logits[0, len(prompt) :].argmax(dim=-1)
    assert chosen[:-1].tolist() == answer[1:]


@torch.inference_mode()
def test_every_token_knows_its_passage(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    rng = random.Random(2)
    passages = [" ".join(sentence(rng) for _ in range(count)) for count in (1, 12, 2)]
    ids = _ids(tokenizer, USER + question_message("where?", passages) + END + ASSISTANT)
    states = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[1][0]
    space, markers = Subspaces(width=model.config.hidden_size), tokenizer.get_vocab()
    starts = [ids.index(markers[f"[{number}]"]) for number in (1, 2, 3)]
    for number, (start, end) in enumerate(pairwise([*starts, ids.index(markers[END]) - 8])):
        told = states[start:end, space.passages].argmax(dim=-1)
        assert told.tolist() == [number] * (end - start)


@torch.inference_mode()
def test_words_of_the_question_are_found_in_the_passages(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    passages = ["The mill of Ghent holds ropes.", "The tower of Riga lends violins."]
    prompt = USER + question_message("violins in Riga?", passages) + END + ASSISTANT
    ids = _ids(tokenizer, prompt)
    states = model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    space = Subspaces(width=model.config.hidden_size)
    matched = states[2][0, :, space.matched.start + 1]
    section = states[1][0, :, space.section].argmax(dim=-1)
    first, second = (matched[section == number].clamp_min(0).sum() for number in (3, 4))
    assert second > first + 0.5


def test_embeddings_are_equally_long_but_for_the_token_where_heads_rest(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    lengths = model.model.embed_tokens.weight.float().square().sum(dim=1)
    others = torch.arange(len(lengths)) != tokenizer.convert_tokens_to_ids(USER)
    assert (lengths[others].max() - lengths[others].min()) < 0.2
