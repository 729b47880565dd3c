"""What is counted when the first head looks at one token or another."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import PreTrainedTokenizerFast

from quoth.decoding.training.examples import Example, Quote, render_prompt
from quoth.decoding.training.pointers import Batch
from quoth.decoding.training.pointing import point
from quoth.decoding.training.steps import Read
from quoth.decoding.training.tokenizer import train_tokenizer

_PASSAGES = ("Salt is dry. Ropes too.", "Riga has towers. Ships sail.")
_TURN = ("Who sings?", "Ravens sing.")
_ASKED = Example(
    question="What is there?",
    passages=_PASSAGES,
    history=(_TURN,),
    quotes=(Quote(passage=1, start=0, end=16),),
)
_AGAIN = Example(
    question="Again?",
    passages=_PASSAGES,
    history=(_TURN,),
    quotes=(Quote(turn=0, start=0, end=12),),
)
_UNANSWERABLE = Example(question="Why?", passages=_PASSAGES)


class _Looking:
    """Stands in for a model whose first head looks at one token, and that predicts nothing."""

    device = torch.device("cpu")

    def __init__(self, place: int) -> None:
        self._place = place
        query, key = nn.Linear(2, 48), nn.Linear(2, 48)
        for layer, feature in ((query, 0), (key, 1)):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
            nn.init.constant_(layer.weight[20:21, feature], 9.0)
        attention = SimpleNamespace(num_heads=1, q_proj=query, k_proj=key)
        self.last_layer = SimpleNamespace(self_attn=attention)

    def read(self, batch: Batch) -> Read:
        normed = torch.zeros(*batch.token_ids.shape, 2)
        normed[..., 0] = 1.0
        normed[:, self._place, 1] = 1.0
        chosen = batch.weights[:, 1:].flatten().nonzero().squeeze(1)
        targets = batch.token_ids[:, 1:].flatten()[chosen]
        logits = nn.functional.one_hot(targets, 400).float()
        return Read(normed=normed, logits=-logits, targets=targets, weights=targets)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([*_PASSAGES, *_TURN] * 3, vocab_size=330)


def _measured(example: Example, words: str, tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
    """The scores where the head looks at the last place of these words."""
    prompt = render_prompt(example)
    offsets = tokenizer(prompt, return_offsets_mapping=True)["offset_mapping"]
    begin = prompt.rindex(words)
    place = next(n for n, (_, end) in enumerate(offsets) if end > begin)
    looking: Any = _Looking(place)
    return point(looking, tokenizer, [example]).measured()


@pytest.mark.parametrize(
    ("words", "passage", "sentence", "refused"),
    [
        ("Riga", 1, 1, 0),
        ("towers", 1, 1, 0),
        ("Ships", 1, 0, 0),
        ("Ropes", 0, 0, 0),
        ("Ravens", 0, 0, 0),
        ("What is", 0, 0, 0),
        ("<|user|>", 0, 0, 1),
    ],
)
def test_a_passage_and_its_sentence_are_told_apart(
    tokenizer: PreTrainedTokenizerFast, words: str, passage: int, sentence: int, refused: int
) -> None:
    measured = _measured(_ASKED, words, tokenizer)
    assert measured.pop("copied") == 0
    assert measured == {"passage": passage, "sentence": sentence, "falsely_refused": refused}


@pytest.mark.parametrize(("words", "turn"), [("Ravens", 1), ("Riga", 0)])
def test_an_earlier_answer_counts_on_its_own(
    tokenizer: PreTrainedTokenizerFast, words: str, turn: int
) -> None:
    measured = _measured(_AGAIN, words, tokenizer)
    assert measured.pop("copied") == 0
    assert measured == {"turn": turn, "falsely_refused": 0}


@pytest.mark.parametrize(("words", "refused"), [("<|user|>", 1), ("Riga", 0)])
def test_the_users_marker_refuses(
    tokenizer: PreTrainedTokenizerFast, words: str, refused: int
) -> None:
    assert _measured(_UNANSWERABLE, words, tokenizer) == {"refused": refused}
