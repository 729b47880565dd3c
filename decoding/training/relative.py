"""MiniLM's absolute positions, said as scores of a distance, which rotary dimensions can hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.minilm import blocks
from quoth.decoding.training.subspaces import NUM_PAIRS, SPEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import BertModel, PreTrainedTokenizerBase

_LENGTH = 110  # tokens of the texts that positions are measured on
_SETTLED = 8  # the first positions differ from all others
_REACH = 60  # distances that are fitted one by one
_FAR = range(_REACH, 1600, 60)  # and those that shall be like the last ones
_FAR_WEIGHT, _FALL, _RIDGE = 0.15, 10.0, 0.02
_BATCH = 16


@torch.no_grad()
def positional_parts(
    model: BertModel, pieces: PreTrainedTokenizerBase, texts: Sequence[str], *, num_blocks: int
) -> list[Tensor]:
    """What of the first blocks' inputs depends on the position alone, [T, 384] for each block.

    The mean over texts at each position, less the mean over positions; attention is causal, as it
    will be. Texts shorter than ``T`` tokens are left out.

    Raises:
        ValueError: No text is long enough.
    """
    encoded = [pieces(t, truncation=True, max_length=_LENGTH)["input_ids"] for t in texts]
    rows = [ids for ids in encoded if len(ids) == _LENGTH]
    if not rows:
        raise ValueError(f"no text has {_LENGTH} tokens")
    sums = [torch.zeros(_LENGTH, model.config.hidden_size) for _ in range(num_blocks)]
    for begin in range(0, len(rows), _BATCH):
        states = model.embeddings(torch.tensor(rows[begin : begin + _BATCH]))
        for total, block in zip(sums, blocks(model), strict=False):
            total += states.sum(0)
            states = causal(block, states)
    return [total / len(rows) - (total / len(rows))[_SETTLED:].mean(0) for total in sums]


def causal(block: torch.nn.Module, states: Tensor) -> Tensor:
    """One BERT block whose tokens see none that follow."""
    length = states.shape[1]
    seen = torch.ones(length, length, dtype=torch.bool).tril()
    output = block(states, attention_mask=torch.where(seen, 0.0, -1e9)[None, None])
    result: Tensor = output if isinstance(output, torch.Tensor) else output[0]
    return result


def distance_scores(positions: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """The mean score that positions alone give to each distance, [60].

    Args:
        positions: A block's positional part, [T, 384].
        query: A head's query weights, [32, 384].
        key: Its key weights, [32, 384].
    """
    scores = (positions @ query.T) @ (positions @ key.T).T / math.sqrt(query.shape[0])
    means = [torch.diagonal(scores, -distance)[_SETTLED:].mean() for distance in range(_REACH)]
    return torch.stack(means)


def fit_turning(scores: Tensor) -> tuple[list[float], list[float]]:
    """Cosine and sine strengths of each rotary pair whose sum comes nearest to ``scores``.

    Near distances weigh most; beyond the last one the score is to stay as it is there.
    """
    near = torch.arange(len(scores)).float()
    far = torch.tensor(list(_FAR)).float()
    wanted = torch.cat([scores, scores[-20:].mean().expand(len(far))])
    weight = torch.cat([1 / (1 + near / _FALL), torch.full((len(far),), _FAR_WEIGHT)])[:, None]
    angles = torch.cat([near, far])[:, None] * torch.tensor(SPEEDS)
    basis = torch.cat([angles.cos(), angles.sin(), torch.ones(len(angles), 1)], dim=1)
    ridge = _RIDGE * torch.eye(basis.shape[1])
    ridge[-1, -1] = 0.0  # a constant changes no softmax
    found = torch.linalg.solve(
        basis.T @ (weight * basis) + ridge, basis.T @ (weight[:, 0] * wanted)
    ).tolist()
    return found[:NUM_PAIRS], found[NUM_PAIRS : 2 * NUM_PAIRS]
