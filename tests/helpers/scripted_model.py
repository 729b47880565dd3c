"""Make a model say a given text: every forward pass is real, only the choice is forced."""

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor, LogitsProcessorList


class Script(LogitsProcessor):
    """Raises the logit of the script's next token far above all others."""

    def __init__(self, prompt_length: int, script: Sequence[int]) -> None:
        self._prompt_length = prompt_length
        self._script = tuple(script)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        position = input_ids.shape[1] - self._prompt_length
        if position < len(self._script):
            scores[:, self._script[position]] += 1e6
        return scores


def saying(prompt: Sequence[int], script: Sequence[int]) -> LogitsProcessorList:
    """The processors that make a model answer `prompt` with `script`."""
    return LogitsProcessorList([Script(len(prompt), script)])
