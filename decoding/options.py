"""What may be asked of one decoding, by name; `Decoder.generate` says what each option means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from quoth.decoding.drafting.selection import Drafting

if TYPE_CHECKING:
    from transformers import LogitsProcessorList


class DecodingOptions(TypedDict, total=False):
    """The keyword arguments of `Decoder.stream`, `generate` and `generate_batch`.

    The defaults are those of `Request`, `Sampling` and `Penalties`, which take them up by name.
    """

    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    bad_words: Sequence[Sequence[int]]
    stop: str | Sequence[str]
    eos_token_ids: Sequence[int] | None
    logits_processor: "LogitsProcessorList | None"
    logprobs: bool | int
    drafting: Drafting
