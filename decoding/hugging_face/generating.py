"""The engine inside `model.generate(..., custom_generate=quoth.decoding.hf_generate)`.

transformers prepares everything as for its own loop (`GenerationMixin._sample`): logits processors
and warpers, stopping criteria, maximal length, special tokens. Here the tokens are decoded with
drafts, row by row, and handed back in the form of that loop. Written against transformers 5.23.

Greedy decoding gives the tokens of `generate` (rounding apart; padding on the left does not reach
the model). Sampling draws other random numbers than transformers: the same `torch.manual_seed`, or
the same `seed`, gives the same text, with and without drafts. Processors and stopping criteria are
asked position by position, with the exact prefix of their row; scores and logits behind the end of
a row are zeros.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor
from transformers import LogitsProcessorList, StoppingCriteriaList
from transformers.generation.stopping_criteria import EosTokenCriteria
from transformers.generation.utils import GenerateDecoderOnlyOutput

from quoth.decoding.checks import check_integer, plain_number
from quoth.decoding.decoder import Decoder
from quoth.decoding.generation import Reference
from quoth.decoding.hugging_face.arguments import (
    check_options,
    places,
    ready_streamer,
    references_of_rows,
    with_stop_strings,
)
from quoth.decoding.hugging_face.lost import lost_arguments
from quoth.decoding.hugging_face.rows import (
    Place,
    Recorder,
    Row,
    padded,
    processors_of_row,
    stacked,
)
from quoth.decoding.models.profile import ModelProfile
from quoth.decoding.request import naming_row
from quoth.decoding.stats import Stats
from quoth.errors import ConfigError

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel
    from transformers.generation.streamers import BaseStreamer

    from quoth.decoding.drafting.selection import Drafting

logger = logging.getLogger(__name__)

_ROW_SEED = 0x9E3779B97F4A7C15  # added for each further row of a batch
_ATTRIBUTE = "_quoth_profile"


@dataclass
class HFGenerateOutput(GenerateDecoderOnlyOutput):
    """What `generate` returns in a dictionary, and the counts of each row in `stats`."""

    stats: tuple[Stats, ...] | None = None


def hf_generate(  # noqa: PLR0913 - the contract of transformers, and three arguments more
    model: "PreTrainedModel",
    input_ids: Tensor,
    logits_processor: LogitsProcessorList | None = None,
    stopping_criteria: StoppingCriteriaList | None = None,
    generation_config: "GenerationConfig | None" = None,
    *,
    references: Sequence[Reference] | Sequence[Sequence[Reference]] = (),
    drafting: "Drafting" = "auto",
    seed: int | None = None,
    streamer: "BaseStreamer | None" = None,
    stop_strings: str | Sequence[str] | None = None,
    **model_kwargs: object,
) -> Tensor | HFGenerateOutput:
    """Decode for `model.generate(..., custom_generate=hf_generate)`; not to be called directly.

    `references` are copy sources for all rows, or one sequence of them for each row; `drafting` is
    as in `DecodingOptions`; without a `seed`, one is drawn from torch's global generator. All else
    is as for `generate`, whose `tokenizer=` is needed for `stop_strings`.

    Returns:
        Token ids [B, P + N] on the device of `input_ids`, or, with `return_dict_in_generate`, an
        output with scores and logits where asked for, and `stats`; it holds no cache.

    Raises:
        ConfigError: An option that this loop does not have, beams for one (also a ValueError).
        InputError: The mask has holes, or references cannot be used or are not one list a row.
        ContextOverflowError: A prompt fills the model's window.
    """
    config, criteria = _from_generate(generation_config, stopping_criteria)
    lost = lost_arguments()  # of the caller's frames: to be asked here, not further down
    check_options(config, lost, model_kwargs)
    rules = _Rules(logits_processor, with_stop_strings(criteria, stop_strings, lost))
    streamer = ready_streamer(streamer, lost, input_ids)
    where = places(input_ids, model_kwargs)
    options = _options_of_rows(len(where), references, drafting, seed, config)
    with _evaluating(model):
        rows = _rows(_decoder_for(model), where, rules, config, options)
        _decode(rows, streamer)
    return _output(rows, config)


def _from_generate(
    config: "GenerationConfig | None", criteria: StoppingCriteriaList | None
) -> "tuple[GenerationConfig, StoppingCriteriaList]":
    """What `generate` always hands over.

    Raises:
        ConfigError: It was not `generate` that called.
    """
    if config is None or criteria is None:
        raise ConfigError(
            "hf_generate is not called directly: use model.generate(..., "
            "custom_generate=hf_generate), or quoth.decoding.Decoder."
        )
    return config, criteria


class _Rules(NamedTuple):
    """What every row is decoded by, each with its own prefix."""

    processors: LogitsProcessorList | None
    criteria: StoppingCriteriaList


def _options_of_rows(
    number: int,
    references: Sequence[Reference] | Sequence[Sequence[Reference]],
    drafting: "Drafting",
    seed: int | None,
    config: "GenerationConfig",
) -> list[dict[str, Any]]:
    """Those of `Decoder.stream` for each row."""
    sources = references_of_rows(references, number)
    seeds = _seeds(seed, number, do_sample=bool(config.do_sample))
    return [
        {"references": own, "drafting": drafting, **drawn}
        for own, drawn in zip(sources, seeds, strict=True)
    ]


def _seeds(seed: int | None, number: int, *, do_sample: bool) -> list[dict[str, Any]]:
    """How each row is sampled; without a seed, one is drawn from torch's global generator.

    Raises:
        ConfigError: The seed is none.
    """
    if seed is None:
        seed = int(torch.randint(2**62, ()).item()) if do_sample else 0
    seed = plain_number(seed)
    check_integer("seed", seed, lambda given: 0 <= given < 2**64, "from 0 to 2**64 - 1, or None")
    return [
        {"temperature": float(do_sample), "seed": (seed + row * _ROW_SEED) % 2**64}
        for row in range(number)
    ]


def _rows(
    decoder: Decoder,
    where: Sequence[Place],
    rules: _Rules,
    config: "GenerationConfig",
    options: Sequence[dict[str, Any]],
) -> list[Row]:
    return [
        _row(decoder, place, rules, config, **own)
        for place, own in zip(where, options, strict=True)
    ]


def _row(
    decoder: Decoder,
    place: Place,
    rules: _Rules,
    config: "GenerationConfig",
    **options: Any,  # noqa: ANN401 - those of `Decoder.stream`
) -> Row:
    """A row that is ready to be decoded."""
    processors = processors_of_row(rules.processors or LogitsProcessorList(), place)
    criteria = rules.criteria
    wants = bool(config.return_dict_in_generate)
    raw = Recorder() if wants and config.output_logits else None
    scores = Recorder() if wants and config.output_scores else None
    chain = [*([raw] if raw else []), *processors, *([scores] if scores else [])]
    limit = criteria.max_length or decoder.max_length
    with naming_row(place.row) if place.rows > 1 else nullcontext():
        steps = decoder.stream(
            place.prompt[0, place.padding :].tolist(),
            max_new_tokens=max(1, limit - place.prompt.shape[1]),
            eos_token_ids=_eos_token_ids(criteria),
            logits_processor=LogitsProcessorList(chain) if chain else None,
            **options,
        )
    return Row(place=place, steps=steps, criteria=criteria, logits=raw, scores=scores)


def _eos_token_ids(criteria: StoppingCriteriaList) -> list[int]:
    """Tokens that are known to end a text, so that nothing is decoded behind them."""
    tokens: list[int] = []
    for each in criteria:
        if type(each) is EosTokenCriteria:
            tokens += torch.as_tensor(each.eos_token_id).flatten().tolist()
    return tokens


def _decode(rows: Sequence[Row], streamer: "BaseStreamer | None") -> None:
    """Decode all rows to their ends."""
    for row in rows:
        for token in row.until_stopped():
            if streamer is not None:
                streamer.put(torch.tensor([token]))  # type: ignore[no-untyped-call]
        if not row.is_stopped:
            logger.warning(
                "A text fills the model's window after %d new tokens and ends there, where "
                "generate would go on beyond it.",
                len(row.tokens),
            )
    if not any(hasattr(each, "eos_token_id") for each in rows[0].criteria):
        length = max(len(row.tokens) for row in rows)
        for row in rows:  # without EOS `generate` lets rows go on to the end of the longest
            row.go_on(length)
    if streamer is not None:
        streamer.end()  # type: ignore[no-untyped-call]


def _output(rows: Sequence[Row], config: "GenerationConfig") -> Tensor | HFGenerateOutput:
    """What `generate` returns."""
    lengths = [len(row.tokens) for row in rows]
    pad = getattr(config, "_pad_token_tensor", None)
    sequences = padded(rows, max(lengths), 0 if pad is None else int(pad))
    if not config.return_dict_in_generate:
        return sequences
    scores = [row.scores for row in rows if row.scores is not None]
    logits = [row.logits for row in rows if row.logits is not None]
    return HFGenerateOutput(
        sequences=cast("torch.LongTensor", sequences),
        scores=cast("Any", stacked(scores, lengths) if scores else None),
        logits=cast("Any", stacked(logits, lengths) if logits else None),
        stats=tuple(row.last.stats for row in rows if row.last is not None),
    )


@contextmanager
def _evaluating(model: "PreTrainedModel") -> Iterator[None]:
    """The model in evaluation mode; afterwards as before."""
    training = [module for module in model.modules() if module.training]
    model.eval()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for module in training:
            module.training = True


class _Kept:
    """What was found out about a model, kept on it between calls; not copied or saved with it."""

    def __init__(self, kind: object, profile: ModelProfile) -> None:
        self.kind = kind
        self.profile = profile

    def __deepcopy__(self, memo: object) -> None:
        return None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(None), ()


def _decoder_for(model: "PreTrainedModel") -> Decoder:
    """A decoder of this model, which is tried once.

    What is kept on the model does not lead back to it: so the model goes with its last reference.
    """
    settings = (model.config, model.config.get_text_config(decoder=True))
    functions = tuple(
        getattr(each, name, None)
        for each in settings
        for name in ("_attn_implementation", "_experts_implementation")
    )
    modules = tuple(map(id, model.modules()))  # adapters are modules
    kind = (model.dtype, str(model.device), functions, modules)
    kept = getattr(model, _ATTRIBUTE, None)
    profile = kept.profile if isinstance(kept, _Kept) and kept.kind == kind else None
    decoder = Decoder(model, profile=profile)
    if profile is None:
        setattr(model, _ATTRIBUTE, _Kept(kind, decoder.profile))
    return decoder
