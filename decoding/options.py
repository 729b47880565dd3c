"""What may be asked of one decoding, by name; `Decoder.stream` has the defaults."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from quoth.decoding.drafting.selection import Drafting

if TYPE_CHECKING:
    from transformers import LogitsProcessorList


class DecodingOptions(TypedDict, total=False):
    """The keyword arguments of `Decoder.stream`, `generate` and `generate_batch`."""

    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int
    stop: str | Sequence[str]
    eos_token_ids: Sequence[int] | None
    logits_processor: "LogitsProcessorList | None"
    drafting: Drafting
