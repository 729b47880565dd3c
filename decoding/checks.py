"""Checks of single settings: a bad value is told with its name and with what it must be."""

from collections.abc import Callable

import numpy as np

from quoth.errors import ConfigError


def check_number(name: str, value: object, fits: Callable[[float], bool], rule: str) -> None:
    """Check that `value` is a number that `fits`.

    Raises:
        ConfigError: It is not; `rule` completes "it must be a number: ...".
    """
    is_number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not is_number or not fits(value):  # type: ignore[arg-type] # a number by now
        raise ConfigError(f"{name} is {value!r}; it must be a number: {rule}.")


def check_integer(name: str, value: object, fits: Callable[[int], bool], rule: str) -> None:
    """Check that `value` is an integer that `fits`.

    Raises:
        ConfigError: It is not; `rule` completes "it must be an integer: ...".
    """
    if type(value) is not int or not fits(value):
        raise ConfigError(f"{name} is {value!r}; it must be an integer: {rule}.")
