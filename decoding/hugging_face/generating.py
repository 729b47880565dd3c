"""The engine inside `model.generate(..., custom_generate=quoth.decoding.hf_generate)`.

transformers prepares everything as for its own loop (`GenerationMixin._sample`): logits processors
and warpers, stopping criteria, maximal length, special tokens. Here the tokens are decoded with
drafts, row by row, and handed back in the form of that loop. Written against transformers 5.23.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

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

    Greedy decoding gives the tokens of `generate` (rounding apart; padding on the left does not
    reach the model). Sampling draws other random numbers than transformers: the same
    `torch.manual_seed`, or the same `seed`, gives the same text, with and without drafts.

    Args:
        model: As handed over by transformers, like all up to `generation_config`.
        input_ids: [B, P], padded on the left.
        logits_processor: Applied position by position, with the exact prefix of its row.
        stopping_criteria: Asked after each token, with the exact prefix of its row.
        generation_config: What `generate` prepared.
        references: Copy sources for all rows, or one sequence of them for each row.
        drafting: As in `DecodingOptions`.
        seed: For sampling; None draws one from torch's global generator.
        streamer: Taken from `generate`, which does not pass it on.
        stop_strings: As in `generate`; they need `tokenizer=`.
        **model_kwargs: What transformers adds: mask, positions, an empty cache.

    Returns:
        Token ids [B, P + N] on the device of `input_ids`, or, with `return_dict_in_generate`, an
        output with scores and logits where asked for (zeros behind the end of a row), and `stats`;
        it holds no cache.

    Raises:
        ConfigError: An option that this loop does not have, beams for one (also a ValueError).
        InputError: The mask has holes, a reference cannot be used, or there are not as many lists
            of references as rows.
        ContextOverflowError: A prompt fills the model's window.
    """
    if generation_config is None or stopping_criteria is None:
        raise ConfigError(
            "hf_generate is not called directly: use model.generate(..., "
            "custom_generate=hf_generate), or quoth.decoding.Decoder."
        )
    lost = lost_arguments()  # of the caller's frames: to be asked here, not further down
    check_options(generation_config, lost, model_kwargs)
    criteria = with_stop_strings(stopping_criteria, stop_strings, lost)
    streamer = ready_streamer(streamer, lost, input_ids)
    where = places(input_ids, model_kwargs)
    sources = references_of_rows(references, len(input_ids))
    seeds = _seeds(seed, len(where), do_sample=bool(generation_config.do_sample))
    rules = (logits_processor or LogitsProcessorList(), criteria)
    with _evaluating(model):
        decoder = _decoder_for(model)
        rows = [
            _row(
                decoder, place, rules, generation_config, references=own, drafting=drafting, **drawn
            )
            for place, own, drawn in zip(where, sources, seeds, strict=True)
        ]
        _decode(rows, streamer)
    return _output(rows, generation_config)


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


def _row(
    decoder: Decoder,
    place: Place,
    rules: tuple[LogitsProcessorList, StoppingCriteriaList],
    config: "GenerationConfig",
    **options: Any,  # noqa: ANN401 - those of `Decoder.stream`
) -> Row:
    """A row that is ready to be decoded."""
    processors, criteria = processors_of_row(rules[0], place), rules[1]
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
