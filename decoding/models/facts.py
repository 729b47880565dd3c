"""What a model's configuration says of the texts that it takes."""

import sys

from torch import Tensor
from transformers import PreTrainedModel

from quoth.errors import UnsupportedModelError


def position_limit(model: PreTrainedModel) -> int:
    """Positions that the model was made for; models without a limit give `sys.maxsize`."""
    config = model.config.get_text_config(decoder=True)
    for name in ("max_position_embeddings", "max_seq_len", "seq_length"):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return sys.maxsize


def vocabulary_size(model: PreTrainedModel) -> int:
    """Number of token ids that the model can read."""
    try:
        weight = model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        weight = None
    if not isinstance(weight, Tensor):
        raise UnsupportedModelError(
            f"The model type {model.config.model_type!r} has no embedding of text tokens. Choose a "
            f"causal language model that reads text alone, such as Llama, Qwen or Mamba."
        )
    return weight.shape[0]


def end_token_ids(model: PreTrainedModel) -> tuple[int, ...]:
    """The tokens that end a text, as the model's generation settings have it."""
    settings = getattr(model, "generation_config", None)
    value = getattr(settings, "eos_token_id", None)
    if value is None:
        value = model.config.get_text_config(decoder=True).eos_token_id
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)
