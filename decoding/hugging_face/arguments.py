"""What `model.generate` hands over, checked: nothing of it is done silently in another way."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor
from transformers import StoppingCriteriaList
from transformers.generation.configuration_utils import GenerationMode
from transformers.generation.stopping_criteria import StopStringCriteria

from quoth.decoding.generation import Reference
from quoth.decoding.hugging_face.lost import LostArguments
from quoth.decoding.hugging_face.rows import Place
from quoth.decoding.references import checked_references, is_listing, reference_list
from quoth.errors import ConfigError, InputError

if TYPE_CHECKING:
    from transformers import GenerationConfig
    from transformers.generation.streamers import BaseStreamer

_MODES = (GenerationMode.GREEDY_SEARCH, GenerationMode.SAMPLE)
_UNDERSTOOD = frozenset(
    {"attention_mask", "position_ids", "past_key_values", "use_cache", "logits_to_keep"}
)


def check_options(
    config: "GenerationConfig",
    lost: LostArguments,
    model_kwargs: dict[str, object],
) -> None:
    """Refuse what would silently be done otherwise.

    Raises:
        ConfigError: An option asks for it.
    """
    mode = config.get_generation_mode(lost.assistant_model)
    if mode not in _MODES:
        raise ConfigError(
            f"custom_generate=hf_generate cannot do {mode.value.replace('_', ' ')}; it decodes "
            f"greedily and samples. Drop that option (drafts are made by drafting=), or drop "
            f"custom_generate."
        )
    wrong = [
        name
        for name in ("output_attentions", "output_hidden_states")
        if getattr(config, name, None) and config.return_dict_in_generate
    ]
    wrong += ["cache_implementation"] if config.cache_implementation == "quantized" else []
    wrong += [
        name
        for name, value in model_kwargs.items()
        if value is not None and name not in _UNDERSTOOD
    ]
    past = cast("Any", model_kwargs.get("past_key_values"))
    wrong += ["past_key_values"] if past is not None and past.get_seq_length() else []
    if wrong:
        raise ConfigError(
            f"custom_generate=hf_generate does not have these options of generate: "
            f"{', '.join(wrong)}. Drop them, or drop custom_generate."
        )


def with_stop_strings(
    criteria: StoppingCriteriaList, stop_strings: str | Sequence[str] | None, lost: LostArguments
) -> StoppingCriteriaList:
    """The criteria, and one for the stop strings.

    Raises:
        ConfigError: There is no tokenizer.
    """
    if stop_strings is None:
        return criteria
    if lost.tokenizer is None:
        raise ConfigError("stop_strings need the tokenizer: generate(..., tokenizer=tokenizer).")
    strings = [stop_strings] if isinstance(stop_strings, str) else list(stop_strings)
    stop = StopStringCriteria(tokenizer=lost.tokenizer, stop_strings=strings)
    return StoppingCriteriaList([*criteria, stop])


def ready_streamer(
    streamer: "BaseStreamer | None", lost: LostArguments, input_ids: Tensor
) -> "BaseStreamer | None":
    """The streamer, which has been told the prompt.

    Raises:
        ConfigError: There is more than one row.
    """
    if (streamer or lost.streamer) and len(input_ids) > 1:
        raise ConfigError(
            f"A streamer shows one row, and there are {len(input_ids)}; generate one prompt at a "
            f"time."
        )
    if streamer is None or streamer is lost.streamer:
        return lost.streamer  # `generate` has told it
    streamer.put(input_ids.cpu())  # type: ignore[no-untyped-call]
    return streamer


def places(input_ids: Tensor, model_kwargs: dict[str, object]) -> list[Place]:
    """Where each row begins behind its padding.

    Raises:
        InputError: A mask has zeros elsewhere than on the left.
        ConfigError: The positions are the caller's own.
    """
    rows, width = input_ids.shape
    mask = cast("Tensor | None", model_kwargs.get("attention_mask"))
    positions = cast("Tensor | None", model_kwargs.get("position_ids"))
    found = []
    for row in range(rows):
        padding = 0 if mask is None else int((mask[row] == 0).sum())
        if mask is not None and not bool(mask[row, padding:].all()):
            raise InputError(
                f"The attention mask of row {row} has zeros behind its first one; pad on the left "
                f"(tokenizer.padding_side = 'left')."
            )
        own = None if positions is None else positions[row % len(positions), padding:].tolist()
        if own is not None and own != list(range(width - padding)):
            raise ConfigError(
                f"position_ids of row {row} do not count from 0; custom_generate=hf_generate has "
                f"no other positions."
            )
        prompt = input_ids[row : row + 1]
        found.append(Place(prompt=prompt, padding=padding, row=row, rows=rows))
    return found


def references_of_rows(
    references: Sequence[Reference] | Sequence[Sequence[Reference]], num_rows: int
) -> list[Sequence[Reference]]:
    """The copy sources of each row.

    Raises:
        InputError: There are neither one flat list nor one list for each row.
    """
    given = reference_list(references)
    if not any(map(is_listing, given)):
        return [checked_references(cast("list[Reference]", given))] * num_rows
    if len(given) != num_rows:
        raise InputError(
            f"There are {num_rows} rows and {len(given)} lists of references; give one list for "
            f"each row, or one flat list for all."
        )
    return cast("list[Sequence[Reference]]", given)
