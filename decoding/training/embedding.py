"""The embedding before training: MiniLM's words, a code of each spelling, and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.answering import Spoken
from quoth.decoding.training.prompts import REFUSAL
from quoth.decoding.training.subspaces import ASSISTANT as ASSISTANT_FLAG
from quoth.decoding.training.subspaces import (
    BLANK,
    ENDS,
    FILLER,
    IDENTITY,
    MARKER,
    MEANING,
    OPENS,
    PASSAGES,
    WIDTH,
    WORD,
)
from quoth.decoding.training.subspaces import QUESTION as QUESTION_FLAG
from quoth.decoding.training.subspaces import USER as USER_FLAG
from quoth.decoding.training.tokenizer import (
    ASSISTANT,
    END,
    MARKERS,
    QUESTION,
    SPECIAL_TOKENS,
    USER,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

_WITH_BLANK, _WITHOUT = 0.5, -0.4
_MARKERS_WITHOUT = -0.1  # blanks stand before words: what is no word needs no strong sign
_BLANK_SIGN = "\u0120"  # how byte-level BPE spells a blank; a line feed is the other
_SENTENCE_ENDS = frozenset({".", "?", "!", '."', ".)", ").", '?"', '!"', ".\u201d"})
_SILENT = (USER, QUESTION)
"""Where heads look that have nothing to say."""

_ROOM = 20.0
"""By how much the fillers exceed the longest embedding, in squared length."""


def embed(
    tokenizer: PreTrainedTokenizerFast, meaning: Tensor, generator: torch.Generator
) -> Tensor:
    """Embeddings [V, 512] of one length and mean zero, so that norms treat all tokens alike.

    Args:
        tokenizer: Whose tokens.
        meaning: What MiniLM's first block is to read, [V, 384].
        generator: Draws the codes.
    """
    table = torch.zeros(len(tokenizer), WIDTH)
    table[:, MEANING] = meaning - meaning.mean(1, keepdim=True)
    _write_codes(table, tokenizer, generator)
    vocabulary = tokenizer.get_vocab()
    for name, flag in ((USER, USER_FLAG), (QUESTION, QUESTION_FLAG), (ASSISTANT, ASSISTANT_FLAG)):
        table[vocabulary[name], flag] = 1.0
    markers = [vocabulary[name] for name in MARKERS]
    for passage, token_id in enumerate(markers, PASSAGES.start):
        table[token_id, [passage, MARKER]] = 1.0
    ends = [i for i in range(len(tokenizer)) if _ends_sentence(str(tokenizer.decode([i])))]
    table[[*ends, *markers], ENDS] = 1.0
    table[vocabulary[ASSISTANT], [ENDS, OPENS]] = 1.0
    _fill(table)
    return table


def _write_codes(
    table: Tensor, tokenizer: PreTrainedTokenizerFast, generator: torch.Generator
) -> None:
    codes: dict[str, Tensor] = {}
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    for token_id, spelled in enumerate(tokens):
        has_blank = spelled.startswith(_BLANK_SIGN)
        word = spelled[1:] if has_blank and len(spelled) > 1 else spelled
        if word not in codes:
            code = torch.randn(WORD.stop - WORD.start, generator=generator)
            codes[word] = torch.nn.functional.normalize(code - code.mean(), dim=0)
        table[token_id, WORD] = codes[word]
        table[token_id, BLANK] = _WITH_BLANK if has_blank else _WITHOUT
    vocabulary = tokenizer.get_vocab()
    table[[vocabulary[name] for name in (*SPECIAL_TOKENS, *MARKERS)], BLANK] = _MARKERS_WITHOUT
    table[[vocabulary[name] for name in _SILENT], IDENTITY] = 0.0


def _ends_sentence(text: str) -> bool:
    """Whether a token is a mark that ends sentences, or a blank line."""
    bare = text.strip()
    return bare in _SENTENCE_ENDS or (not bare and text.count("\n") > 1)


def _fill(table: Tensor) -> None:
    """Two numbers of given sum and given sum of squares."""
    squared = table.square().sum(1)
    missing, total = squared.max() + _ROOM - squared, -table.sum(1)
    apart = (2 * missing - total.square()).sqrt()
    table[:, FILLER[0]], table[:, FILLER[1]] = (total + apart) / 2, (total - apart) / 2


def spoken_codes(tokenizer: PreTrainedTokenizerFast, table: Tensor) -> Spoken:
    """Codes of what the last layer's circuits say."""
    vocabulary = tokenizer.get_vocab()
    first = tokenizer(REFUSAL, add_special_tokens=False)["input_ids"][0]
    return Spoken(
        markers=table[[vocabulary[name] for name in MARKERS], IDENTITY].clone(),
        refusal=table[first, IDENTITY].clone(),
        end=table[vocabulary[END], IDENTITY].clone(),
    )
