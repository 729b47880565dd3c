"""Mixtures of experts whose rows do not depend on the rows beside them.

Each expert gets the rows that are routed to it, one or seven, and matrix kernels round one row
otherwise than seven. So the rows of each expert are filled up to a multiple of four, as those of
the whole pass are (`DecodingConfig.min_rows`), with copies whose results are thrown away.
"""

from functools import cache

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS, grouped_mm_experts_forward

from quoth.decoding.twin import twin

_PLAIN = (None, "eager", "batched_mm", "grouped_mm")
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
_NUMBERS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_OWN_CALLS = {"forward", "_compiled_call_impl"}  # these would lead from a twin back to the model


def has_experts(model: PreTrainedModel) -> bool:
    """Whether its configuration names a number of experts."""
    settings = model.config.get_text_config(decoder=True)
    return any(getattr(settings, name, None) for name in _NUMBERS)


def has_plain_experts(model: PreTrainedModel) -> bool:
    """Whether it has experts, and all of them are computed as `filled` computes them.

    That is not so for weights of eight bits and fewer, for models that lie on several devices or
    are compiled, and where another library's kernels were asked for.
    """
    if not has_experts(model):
        return False
    modules = [*model.modules()]
    if any(_OWN_CALLS & vars(module).keys() for module in modules):
        return False
    experts = [module for module in modules if hasattr(module, "_is_expert_parallel")]
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

    def change(config: PretrainedConfig) -> None:
        config._experts_implementation = _registered(min_rows)

    return twin(model, change)


@cache
def _registered(min_rows: int) -> str:
    """The name of the function among the experts' functions of transformers."""
    name = f"quoth_filled_{min_rows}"

    def forward(
        experts: nn.Module, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor
    ) -> Tensor:
        return filled(experts, hidden_states, top_k_index, top_k_weights, min_rows=min_rows)

    ALL_EXPERTS_FUNCTIONS.register(name, forward)
    return name


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
