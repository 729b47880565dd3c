"""Small models with MiniLM's weights and the circuits, untrained, for tests."""

import copy
import random
from functools import cache

from torch import Generator
from transformers import NemotronForCausalLM, PreTrainedTokenizerFast

from helpers.made_corpus import sentence
from quoth.decoding.training.initialise import initialise, mini_config, settle
from quoth.decoding.training.prompts import question_message
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER, train_tokenizer

HARBOUR = (
    "Porto sold four barrels of salt to the old mill every spring.",
    "Riga bought nine violins and lends them to schools in winter.",
    "A small ferry crosses the lake at noon.",
)
LIBRARY = (
    "The library keeps maps of the northern coast in its tower.",
    "Visitors may copy them for a small fee.",
    "Every copy carries the seal of the town.",
)
SENTENCES = (*HARBOUR, *LIBRARY)
QUESTION = "What does the town keep in its tower?"


@cache
def small_tokenizer() -> PreTrainedTokenizerFast:
    """About 1,500 tokens; the words of ``SENTENCES`` are among them."""
    rng = random.Random(0)
    made_up = [sentence(rng) for _ in range(600)]
    spoken = [f" {s}\n\n{s}" for s in SENTENCES] * 50
    return train_tokenizer([*made_up, *spoken], vocab_size=1500)


@cache
def small_model(blocks: int) -> NemotronForCausalLM:
    """A model that tests must not change: they copy it."""
    tokenizer, rng = small_tokenizer(), random.Random(1)
    texts = [" ".join(sentence(rng) for _ in range(12)) for _ in range(16)]
    return initialise(
        mini_config(len(tokenizer), blocks=blocks),
        tokenizer,
        texts=texts,
        prompts=sample_prompts(),
        generator=Generator().manual_seed(0),
    ).eval()


@cache
def settled_model(blocks: int) -> NemotronForCausalLM:
    """The same as joint training begins with, but for the distillation."""
    model = copy.deepcopy(small_model(blocks))
    settle(model, small_tokenizer(), prompts=sample_prompts(), generator=Generator().manual_seed(3))
    return model


def sample_prompts() -> list[str]:
    """Prompts with answers, to calibrate by."""
    rng = random.Random(2)
    passages = [[sentence(rng) for _ in range(3)] for _ in range(8)]
    return [
        f"{prompt(QUESTION, [' '.join(first), ' '.join(second)])}[1] {first[1]}{END}"
        for first, second in zip(passages[::2], passages[1::2], strict=True)
    ]


def prompt(question: str, passages: list[str]) -> str:
    """What stands before an answer."""
    return f"{USER}{question_message(question, passages)}{END}{ASSISTANT}"


def ids_of(text: str) -> list[int]:
    """The tokens of ``text``."""
    return list(small_tokenizer()(text, add_special_tokens=False)["input_ids"])
