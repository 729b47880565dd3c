"""Where a model turns to other rotary frequencies because the text is long (LongRoPE: Phi-3).

One pass uses the frequencies for short or for long texts, whichever its last position asks for. So
no pass may reach over the border, and behind it the text is read anew, as `generate` does.
"""

from collections.abc import Iterator, Mapping

from transformers import PretrainedConfig


def rope_border(config: PretrainedConfig, window: int) -> int | None:
    """The first position of long texts; None if there is no such border within the window."""
    text = config.get_text_config(decoder=True)
    borders = [
        each.get("original_max_position_embeddings")
        or getattr(text, "original_max_position_embeddings", None)
        for each in _ropes(getattr(text, "rope_parameters", None))
        if each.get("rope_type") == "longrope"
    ]
    found = [border for border in borders if isinstance(border, int) and 0 < border < window]
    return min(found, default=None)


def _ropes(parameters: object) -> Iterator[Mapping[str, object]]:
    """The parameters of one rotation, or those of each kind of layer."""
    if isinstance(parameters, Mapping):
        yield parameters
        for each in parameters.values():
            yield from _ropes(each)
