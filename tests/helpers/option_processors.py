"""The options that change logits, as processors: the yardstick, rescanned from the whole prefix."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    NoBadWordsLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)


class OutputPenalties(LogitsProcessor):
    """Frequency and presence penalty as OpenAI gives the formula, over the output only."""

    def __init__(self, prompt_length: int, presence: float, frequency: float) -> None:
        self._prompt_length = prompt_length
        self._presence = presence
        self._frequency = frequency

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        scores = scores.clone()
        for token, count in Counter(input_ids[0, self._prompt_length :].tolist()).items():
            scores[0, token] -= self._frequency * count
            scores[0, token] -= self._presence
        return scores


def option_processors(
    options: Mapping[str, Any], prompt_length: int, own: LogitsProcessorList | None = None
) -> LogitsProcessorList:
    """Hugging Face's processors where there are any, in its order, and then the caller's."""
    made: list[LogitsProcessor] = []
    if options.get("repetition_penalty", 1.0) != 1:
        made.append(RepetitionPenaltyLogitsProcessor(float(options["repetition_penalty"])))
    presence, frequency = (
        options.get(f"{kind}_penalty", 0.0) for kind in ("presence", "frequency")
    )
    made.append(OutputPenalties(prompt_length, presence, frequency))
    if options.get("bad_words"):
        words = [list(word) for word in options["bad_words"]]
        made.append(NoBadWordsLogitsProcessor(words))
    return LogitsProcessorList([*made, *(own or ())])
