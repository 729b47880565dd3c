"""Mixtures of experts whose rows do not depend on the rows beside them.

Each expert gets the rows that are routed to it, one or seven, and matrix kernels round one row
otherwise than seven. So the rows of each expert are filled up to a multiple of four, as those of
the whole pass are (`DecodingConfig.min_rows`), with copies whose results are thrown away.
"""

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS, grouped_mm_experts_forward

from quoth.decoding.twin import twin

_PLAIN = (None, "eager", "batched_mm", "grouped_mm")
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
NAME = "quoth_filled"
"""Of the function among the experts' functions of transformers."""


def has_plain_experts(model: PreTrainedModel) -> bool:
    """Whether it has experts, and all of them are computed as `filled` computes them.

    That is not so for weights of eight bits and fewer, for experts that lie on several devices, and
    where another library's kernels were asked for.
    """
    experts = [each for each in model.modules() if hasattr(each, "_is_expert_parallel")]
    return bool(experts) and all(map(_is_plain, experts))


def _is_plain(experts: nn.Module) -> bool:
    return (
        not experts._is_expert_parallel
        and getattr(experts.config, "_experts_implementation", None) in _PLAIN
        and all(weight.dtype in _DTYPES for weight in experts.parameters())
    )


def with_filled_experts(model: PreTrainedModel, min_rows: int) -> PreTrainedModel:
    """The model, or a twin of it whose experts get multiples of `min_rows` rows, if it has such."""
    if min_rows < 2 or not has_plain_experts(model):
        return model

    def forward(
        experts: nn.Module, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor
    ) -> Tensor:
        return filled(experts, hidden_states, top_k_index, top_k_weights, min_rows=min_rows)

    name = f"{NAME}_{min_rows}"
    ALL_EXPERTS_FUNCTIONS.register(name, forward)

    def change(config: PretrainedConfig) -> None:
        config._experts_implementation = name

    return twin(model, change)


def filled(
    experts: nn.Module,
    hidden_states: Tensor,  # [tokens, width]
    top_k_index: Tensor,  # [tokens, K]
    top_k_weights: Tensor,  # [tokens, K]
    *,
    min_rows: int,
) -> Tensor:  # [tokens, width]
    """What experts make of tokens, each from rows that are a multiple of `min_rows`."""
    tokens, choices = top_k_index.shape
    asked = top_k_index.reshape(-1)
    number = asked.bincount()
    lacking = -number % min_rows
    surplus = torch.arange(len(number), device=asked.device).repeat_interleave(lacking)
    rows = hidden_states.repeat_interleave(choices, dim=0)
    rows = torch.cat((rows, rows[-1:].expand(len(surplus), -1)))
    index = torch.cat((asked, surplus))[:, None]
    ones = top_k_weights.new_ones(index.shape)
    each: Tensor = grouped_mm_experts_forward(experts, rows, index, ones)
    weighted = each[: tokens * choices] * top_k_weights.reshape(-1, 1)
    return weighted.view(tokens, choices, -1).sum(dim=1).to(hidden_states.dtype)
