"""Every causal language model of the installed transformers, tiny and with random weights.

A configuration is shrunk field by field: what a field means is told by its name, and the families
that need more have their own values in `tiny_families`. Lists with one entry per layer keep one
layer of each kind.
"""

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as NAMES
from transformers.utils import logging

from helpers.tiny_families import DECODERS, FIELDS, OWN_FIELDS, SPECIAL, SWITCHES

VOCABULARY = 101
WINDOW = 256
LAYERS = 4
_SPECIAL = ("bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id")
_PER_LAYER = ("layer_types", "mlp_layer_types", "layers_block_type", "indexer_types")
_KEPT = ("A_log", "dt_bias", "time_decay", "time_first", "inv_freq")  # made to fit each other
_WHOLE_OF = {"musicgen_decoder": "musicgen", "musicgen_melody_decoder": "musicgen_melody"}
_GAIN = 3.0  # of each matrix; less, and all texts are alike
_HEAD_GAIN = 6.0


def model_types() -> tuple[str, ...]:
    """The keys of transformers' mapping, in its order."""
    return tuple(NAMES)


def class_name(model_type: str) -> str:
    """The class that transformers' mapping has for a model type."""
    return str(NAMES[model_type])


def tiny_model(
    model_type: str, *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> PreTrainedModel:
    """A model of that type with four layers or so, 101 tokens and a window of 256."""
    with silence():
        config = tiny_config(model_type)
        torch.manual_seed(seed)
        model: PreTrainedModel = _built(config)
    _spread(model, seed)
    for name in ("eos_token_id", "forced_eos_token_id", "forced_bos_token_id"):
        setattr(model.generation_config, name, None)
    model.generation_config.encoder_no_repeat_ngram_size = None
    model.config.get_text_config(decoder=True).eos_token_id = None
    return model.to(dtype).eval()


def tiny_config(model_type: str) -> PreTrainedConfig:
    """The configuration of `tiny_model`."""
    kind = CONFIG_MAPPING[model_type]
    values = _shrunk(kind())
    for name, value in OWN_FIELDS.get(model_type, {}).items():
        values[name] = values.get(name, {}) | value if isinstance(value, dict) else value
    values["attn_implementation"] = "eager"
    config = kind(**values)
    part = DECODERS.get(model_type)
    return config if part is None else getattr(config, part)


def _built(config: PreTrainedConfig) -> PreTrainedModel:
    """The model of the class that transformers' mapping names."""
    name = NAMES.get(config.model_type) or NAMES[_WHOLE_OF[config.model_type]]
    kind: type[PreTrainedModel] = getattr(transformers, name)
    if kind.config_class is not type(config) and "text_config" in config.sub_configs:
        config = config.get_text_config(decoder=True)
    return kind._from_config(config)


def _shrunk(config: PreTrainedConfig) -> dict[str, Any]:
    """The fields of a configuration that must be small, with small values."""
    default = config.to_dict()
    values: dict[str, Any] = {
        name: _shrunk(getattr(config, name))
        for name in config.sub_configs
        if isinstance(getattr(config, name, None), PreTrainedConfig)
    }
    values |= {
        name: small
        for name, small in FIELDS.items()
        if name in default and default[name] is not None and not isinstance(default[name], list)
    }
    if "num_key_value_heads" in values and _is_grouped(default):
        values["num_key_value_heads"] = 2
    layers = _layers_of_each_kind(default)
    for name in _PER_LAYER:
        if isinstance(default.get(name), list):
            values[name] = [default[name][layer] for layer in layers]
    values |= {name: SPECIAL.get(config.model_type) for name in _SPECIAL if name in default}
    values |= {name: value for name, value in SWITCHES.items() if name in default}
    return values


def _is_grouped(default: Mapping[str, Any]) -> bool:
    return bool(default["num_key_value_heads"] != default.get("num_attention_heads"))


def _layers_of_each_kind(default: Mapping[str, Any]) -> list[int]:
    """Indices of four layers, in order, among them one of each kind."""
    lists = [default[name] for name in _PER_LAYER if isinstance(default.get(name), list)]
    if not lists:
        return []
    kinds = list(zip(*lists, strict=False))
    chosen = [kinds.index(kind) for kind in dict.fromkeys(kinds)][:LAYERS]
    others = [layer for layer in range(len(kinds)) if layer not in chosen]
    return sorted(chosen + others[: LAYERS - len(chosen)])


def _spread(model: PreTrainedModel, seed: int) -> None:
    """Random matrices wide enough that the best two logits of a position are rarely close."""
    generator = torch.Generator().manual_seed(seed)
    head = getattr(model, "lm_head", None)
    for name, weight in model.named_parameters():
        if weight.dim() < 2 or any(kept in name for kept in _KEPT):
            continue
        gain = _HEAD_GAIN if weight is getattr(head, "weight", None) else _GAIN
        std = gain / math.sqrt(weight.shape[-1]) if "embed" not in name else 1.0
        torch.nn.init.normal_(weight, std=std, generator=generator)


@contextmanager
def silence() -> Iterator[None]:
    """Shrunk configurations make transformers warn of things that do not matter here."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
