"""What a loaded model says of itself: its window, its vocabulary, the tokens that end its texts."""

import sys
from typing import TYPE_CHECKING

from torch import Tensor

from quoth.errors import UnsupportedModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_WINDOW_NAMES = (
    "max_position_embeddings",
    "max_seq_len",
    "seq_length",
    "n_positions",
    "max_target_positions",
)


def window_of(model: "PreTrainedModel") -> int:
    """Positions that the model was made for; models without a limit give `sys.maxsize`."""
    config = model.config.get_text_config(decoder=True)
    for name in _WINDOW_NAMES:
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return sys.maxsize


def vocabulary_size_of(model: "PreTrainedModel") -> int:
    """Number of token ids that the model can read.

    Raises:
        UnsupportedModelError: It reads no tokens, or not only.
    """
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


def eos_token_ids_of(model: "PreTrainedModel") -> tuple[int, ...]:
    """The tokens that end a text, as the model's generation settings have it."""
    settings = getattr(model, "generation_config", None)
    value = getattr(settings, "eos_token_id", None)
    if value is None:
        value = model.config.get_text_config(decoder=True).eos_token_id
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)
