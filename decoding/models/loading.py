"""Load a causal language model and its tokenizer; never runs code that comes with a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from quoth.decoding.models import packaged_model_path, packaged_names
from quoth.errors import ConfigError, ModelLoadError

_CANNOT_LOAD = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)


def load_model(
    name_or_path: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a model in evaluation mode, with its tokenizer.

    Args:
        name_or_path: A packaged name ("quoth-mini"), a folder, or a name on the Hugging Face hub.
        device: "auto" (CUDA if there is one, else the CPU), or a torch device.
        dtype: "auto" (float32 on the CPU, else as the weights are stored), or a torch dtype's name.
        revision: Branch, tag or commit on the hub.

    Raises:
        ModelLoadError: It is not there, or not a causal language model.
        ConfigError: Device or dtype is not known.
    """
    place = _device(device)
    source = _source(str(name_or_path))
    kind = _dtype(dtype, place)
    try:
        with _without_bar(quiet=Path(source).is_dir()):
            model, tokenizer = _load(source, kind, revision)
        cast("torch.nn.Module", model).to(place)
    except _CANNOT_LOAD as error:
        raise ModelLoadError(
            f"The model {str(name_or_path)!r} could not be loaded: {_first_line(error)} Give a "
            f"folder with a Hugging Face model, the name of one on the hub, or one of: "
            f"{', '.join(packaged_names())}."
        ) from error
    return model, tokenizer


def load_tokenizer(
    name_or_path: str | Path, *, revision: str | None = None
) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model alone; the arguments are those of `load_model`.

    Raises:
        ModelLoadError: It is not there.
    """
    try:
        return _tokenizer(_source(str(name_or_path)), revision)
    except _CANNOT_LOAD as error:
        raise ModelLoadError(
            f"The tokenizer of {str(name_or_path)!r} could not be loaded: {_first_line(error)} "
            f"Give a folder with a Hugging Face model, the name of one on the hub, or one of: "
            f"{', '.join(packaged_names())}."
        ) from error


def _tokenizer(source: str, revision: str | None) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        source, revision=revision, trust_remote_code=False
    )
    if not tokenizer.vocab_size:  # transformers makes an empty one where the files are missing
        raise ValueError("there is no tokenizer beside the weights")
    return tokenizer


def _load(
    source: str, dtype: torch.dtype | str, revision: str | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    tokenizer = _tokenizer(source, revision)
    model = AutoModelForCausalLM.from_pretrained(
        source,
        revision=revision,
        trust_remote_code=False,
        dtype=dtype,
        attn_implementation="eager",  # gives a row the same bits whatever the rows beside it
    )
    return model.eval(), tokenizer  # type: ignore[no-untyped-call] # transformers


@contextmanager
def _without_bar(*, quiet: bool) -> Iterator[None]:
    """Silence the bar of weights being read from disk; that of a download stays."""
    was_shown = logging.is_progress_bar_enabled()
    if quiet:
        logging.disable_progress_bar()  # type: ignore[no-untyped-call] # transformers
    try:
        yield
    finally:
        if quiet and was_shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call] # transformers


def _source(name: str) -> str:
    if name not in packaged_names():
        return name
    path = packaged_model_path(name)
    if not (path / "config.json").is_file():
        raise ModelLoadError(
            f"The weights of the packaged model {name!r} are not in this installation. Install a "
            f"release of quoth, or train them with: quoth train mini"
        )
    return str(path)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"There is no device {name!r}. Use auto, cpu, cuda or cuda:N.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"The device {name!r} is not available: torch sees no GPU. Use cpu.")
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype | str:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    dtype = getattr(torch, str(name), None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ConfigError(f"There is no dtype {name!r}. Use auto, float32, bfloat16 or float16.")
    return dtype


def _first_line(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return f"{text}."
