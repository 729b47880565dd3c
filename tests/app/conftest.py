"""A small trained tokenizer with a chat template, as the packaged model has one."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from quoth.app.tokenizing import ChatTokenizer

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SPECIAL = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEXT = [
    "Question: how do ravens fly? They fly with their wings, the warranty lasts twenty months.",
    "The passage number in brackets, like [1], before what you take from it.",
]


@pytest.fixture(scope="session")
def hf_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        additional_special_tokens=SPECIAL[:3],
        chat_template=TEMPLATE,
    )


@pytest.fixture(scope="session")
def chat_tokenizer(hf_tokenizer: PreTrainedTokenizerFast) -> ChatTokenizer:
    return ChatTokenizer(hf_tokenizer)
