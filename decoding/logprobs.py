"""Log-probabilities of the tokens that were taken, under the model's own distribution.

They are those of the raw logits: before penalties, bad words, logits processors, temperature and
truncation. So do OpenAI's API and vLLM by default, and so they mean the same whatever is asked for.
"""

import torch
from torch import Tensor

from quoth.decoding.acceptance import Accepted
from quoth.decoding.generation import TokenLogprob


@torch.inference_mode()
def token_logprobs(
    logits: Tensor,  # [rows, V] float32, of one pass
    accepted: Accepted,
    alternatives: int | None,
) -> tuple[TokenLogprob, ...] | None:
    """One value per accepted token, each with so many of the likeliest tokens; None: not asked for.

    Each row is measured on its own, so that it gives the same bits in any pass.
    """
    if alternatives is None:
        return None
    rows = (0, *(node + 1 for node in accepted.nodes))[: len(accepted.tokens)]
    count = min(alternatives, logits.shape[-1])
    pairs = list(zip(rows, accepted.tokens, strict=True))
    ids, values = zip(*(_measured(logits[row], token, count) for row, token in pairs), strict=True)
    found = zip(torch.stack(ids).tolist(), torch.stack(values).tolist(), strict=True)
    return tuple(_value(ids, values) for ids, values in found)


def _measured(
    row: Tensor,  # [V]
    token: int,
    count: int,
) -> tuple[Tensor, Tensor]:  # [1 + count] each
    """The token, then the likeliest ones, and their log-probabilities in float64."""
    peak = row.max()
    total = (row - peak).exp_().sum(dtype=torch.float64)
    best = row.topk(count)
    ids = torch.cat((best.indices.new_tensor([token]), best.indices))
    return ids, row[ids].double() - peak.double() - total.log()


def _value(ids: list[int], values: list[float]) -> TokenLogprob:
    top = sorted(zip(ids[1:], values[1:], strict=True), key=lambda pair: (-pair[1], pair[0]))
    return TokenLogprob(token_id=ids[0], logprob=values[0], top=tuple(top))
