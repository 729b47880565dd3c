"""Prompt lookup as transformers has it: its own class makes the drafts.

`generate(prompt_lookup_num_tokens=10)` looks for the last two tokens, then the last one, in prompt
and output, takes the leftmost place that has a continuation, and copies up to ten tokens.
"""

from collections.abc import Sequence
from typing import cast

import torch
from transformers.generation.candidate_generator import PromptLookupCandidateGenerator

from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens

_UNLIMITED = 2**31


class PromptLookup:
    """Hugging Face's prompt lookup decoding."""

    name = "hf-prompt-lookup"

    def __init__(self, *, num_tokens: int = 10, max_ngram: int = 2) -> None:
        self._generator = PromptLookupCandidateGenerator(
            num_output_tokens=num_tokens, max_matching_ngram_size=max_ngram, max_length=_UNLIMITED
        )

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002
    ) -> "PromptLookupSession":
        """References are looked up only where they stand in the prompt."""
        return PromptLookupSession(self._generator, prompt)


class PromptLookupSession:
    """The text so far."""

    def __init__(self, generator: PromptLookupCandidateGenerator, prompt: Sequence[int]) -> None:
        self._generator = generator
        self._length = len(prompt)
        self._buffer = torch.zeros(1, 2 * len(prompt) + 1, dtype=torch.long)
        self._buffer[0, : self._length] = torch.tensor(list(prompt))

    def propose(self, budget: int) -> Draft:
        """What the generator offers, cut to the budget as `max_length` cuts it."""
        text = cast("torch.LongTensor", self._buffer[:, : self._length])
        candidates, _ = self._generator.get_candidates(text)
        drafted = candidates[0, self._length :].tolist()
        return Draft.chain(drafted[:budget]) if drafted else NO_DRAFT

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow."""
        end = self._length + len(outcome.token_ids)
        if end > self._buffer.shape[1]:
            self._buffer = torch.cat((self._buffer, torch.zeros_like(self._buffer)), dim=1)
        self._buffer[0, self._length : end] = torch.tensor(outcome.token_ids)
        self._length = end
