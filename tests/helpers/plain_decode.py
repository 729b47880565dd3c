"""The yardstick: decoding one token at a time, without a cache, a draft or a loop of Quoth's."""

from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessorList, PreTrainedModel

from quoth.decoding.sampling import Sampling, sample


@torch.inference_mode()
def plain_decode(
    model: PreTrainedModel,
    prompt: Sequence[int],
    *,
    max_new_tokens: int,
    sampling: Sampling | None = None,
    eos_token_ids: Sequence[int] = (),
    stop: Sequence[str] = (),
    decode: Callable[[list[int]], str] | None = None,
    logits_processor: LogitsProcessorList | None = None,
) -> tuple[list[int], str]:
    """The new tokens, and why they end."""
    sampling = sampling or Sampling()
    tokens: list[int] = []
    for position in range(max_new_tokens):
        input_ids = torch.tensor([[*prompt, *tokens]])
        scores = model(input_ids=input_ids).logits[:, -1].float()
        if logits_processor is not None:
            scores = logits_processor(input_ids, scores)
        row = scores[0]
        greedy = sampling.is_greedy
        tokens.append(int(row.argmax()) if greedy else sample(row.numpy(), sampling, position))
        if tokens[-1] in eos_token_ids:
            return tokens, "eos"
        if decode is not None and any(text in decode(tokens) for text in stop):
            return tokens, "stop"
    return tokens, "length"
