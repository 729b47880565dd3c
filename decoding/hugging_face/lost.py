"""What transformers drops on the way to a custom generation function, found again.

`model.generate(custom_generate=function)` of transformers 5 replaces the arguments `streamer`,
`assistant_model` and `tokenizer` by nothing before it calls the function (seen in 5.23,
`GenerationMixin._extract_generation_mode_kwargs`). A streamer would get the prompt and then wait
forever; an assistant model would be ignored. They still stand in the frames of the caller.
"""

import inspect
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.generation.streamers import BaseStreamer

_DEPTH = 8  # frames between the function and `generate`, of wrappers at most


@dataclass(frozen=True, slots=True, kw_only=True)
class LostArguments:
    """Arguments of the `generate` call that is going on; None where they were not given."""

    streamer: "BaseStreamer | None" = None
    assistant_model: "PreTrainedModel | None" = None
    tokenizer: "PreTrainedTokenizerBase | None" = None


def lost_arguments() -> LostArguments:
    """Those of the innermost `GenerationMixin.generate` that is running; empty if there is none."""
    from transformers import GenerationMixin

    code = inspect.unwrap(GenerationMixin.generate).__code__
    frame = inspect.currentframe()
    for _ in range(_DEPTH):
        frame = None if frame is None else frame.f_back
        if frame is not None and frame.f_code is code:
            return LostArguments(
                streamer=frame.f_locals.get("streamer"),
                assistant_model=frame.f_locals.get("assistant_model"),
                tokenizer=_keyword(frame.f_back, "tokenizer"),
            )
    return LostArguments()


def _keyword(wrapper: FrameType | None, name: str) -> Any:  # noqa: ANN401 - any argument
    """A keyword argument of the decorator around `generate`, which has its own copy of them."""
    given = None if wrapper is None else wrapper.f_locals.get("kwargs")
    return given.get(name) if isinstance(given, dict) else None
