"""Checks of single arguments: a bad one is told with its name and with what it must be."""

import math
from collections.abc import Callable
from reprlib import repr as shortened
from typing import TypeVar, cast

import numpy as np
from torch import nn

from quoth.decoding.config import DecodingConfig
from quoth.decoding.tokens import described
from quoth.errors import ConfigError

T = TypeVar("T")


def check_number(name: str, value: object, fits: Callable[[float], bool], rule: str) -> None:
    """Check that `value` is a number that `fits`.

    Raises:
        ConfigError: It is not; `rule` completes "it must be a number: ...".
    """
    is_number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not is_number or not fits(_as_float(value)):  # type: ignore[arg-type] # a number by now
        raise ConfigError(f"{name} is {shortened(value)}; it must be a number: {rule}.")


def check_integer(name: str, value: object, fits: Callable[[int], bool], rule: str) -> None:
    """Check that `value` is an integer that `fits`.

    Raises:
        ConfigError: It is not; `rule` completes "it must be an integer: ...".
    """
    if type(value) is not int or not fits(value):
        raise ConfigError(f"{name} is {shortened(value)}; it must be an integer: {rule}.")


def plain_number(value: T) -> T:
    """The same as a number of Python if it is one of NumPy."""
    return cast("T", value.item()) if isinstance(value, np.generic) else value


def check_parts(model: object, tokenizer: object, config: object) -> None:
    """Check that these are what a decoder is made of.

    Raises:
        ConfigError: One is not.
    """
    if not isinstance(model, nn.Module) or not hasattr(model, "config"):
        raise ConfigError(
            f"model is {described(model)}; it must be a loaded model of transformers. To load one "
            f"by its name or path, use Decoder.from_pretrained."
        )
    needed = ("decode", "convert_ids_to_tokens")
    if tokenizer is not None and not all(hasattr(tokenizer, name) for name in needed):
        raise ConfigError(
            f"tokenizer is {described(tokenizer)}; it must be a tokenizer of transformers, or None."
        )
    if not isinstance(config, DecodingConfig):
        raise ConfigError(f"config is {described(config)}; it must be a DecodingConfig.")


def _as_float(value: float) -> float:
    """Infinite where there is no such float."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
