"""Token ids as they come from callers: lists, arrays or tensors; taken as plain integers."""

import operator
from collections.abc import Iterable, Mapping, Sequence, Set
from reprlib import repr as shortened
from typing import cast

import numpy as np
from numpy.typing import NDArray

from quoth.errors import ConfigError, InputError

_NAMED = 5  # so many bad token ids are named in a message
_REMEDIES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    ((str, bytes, bytearray), "Encode text first: tokenizer(text)['input_ids']."),
    (Mapping, "Take the token ids out of it: encoding['input_ids']."),
    (Set, "It has no order: give a list."),
    (bool, "Is it a mask?"),
    (int, "Put it into a list."),
    (Iterable, "Give one row alone."),
)


def token_tuple(token_ids: Iterable[int], what: str) -> tuple[int, ...]:
    """Token ids as plain integers, from lists, arrays and one-dimensional tensors alike.

    Raises:
        InputError: It has no order or is no sequence, or something in there is no integer.
    """
    given = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
    if isinstance(given, str | bytes | bytearray | Mapping | Set) or not is_iterable(given):
        raise InputError(f"{_rule(what)} is {described(token_ids)}.{_remedy(given)}")
    values = tuple(given)
    try:
        if bool not in set(map(type, values)):
            return tuple(map(operator.index, values))
    except TypeError:
        pass  # it is named below
    wrong = next(value for value in values if not _is_integer(value))
    raise InputError(f"{_rule(what)} holds {described(wrong)}.{_remedy(wrong)}")


def token_sequence(token_ids: Iterable[int], what: str) -> Sequence[int]:
    """The same if it can be cut into pieces, else as plain integers.

    Raises:
        InputError: It is no flat sequence.
    """
    can_be_cut = len(getattr(token_ids, "shape", ())) == 1 or isinstance(token_ids, Sequence)
    return cast("Sequence[int]", token_ids) if can_be_cut else token_tuple(token_ids, what)


def token_array(token_ids: Iterable[int], what: str, *, largest: int) -> NDArray[np.int64]:
    """Token ids as an array.

    Raises:
        InputError: It is no flat sequence of integers.
        ConfigError: One is negative or above `largest`.
    """
    tokens = token_tuple(token_ids, what)
    if tokens and not 0 <= min(tokens) <= max(tokens) <= largest:
        raise ConfigError(
            f"{what} holds token ids from {min(tokens)} to {max(tokens)}; they must lie from 0 to "
            f"{largest}."
        )
    return np.array(tokens, dtype=np.int64)


def is_iterable(value: object) -> bool:
    """Whether it can be iterated over, in whatever way."""
    try:
        iter(value)  # type: ignore[call-overload] # that is the question
    except TypeError:
        return False
    return True


def described(value: object) -> str:
    """A value that a caller handed in, with its type, for a message."""
    return "None" if value is None else f"{shortened(value)} ({type(value).__name__})"


def foreign_tokens(token_ids: Sequence[int], vocabulary_size: int) -> str:
    """Names the first token ids that are outside the vocabulary; empty if there are none."""
    bad = [token for token in token_ids if not 0 <= token < vocabulary_size]
    return ", ".join(map(str, bad[:_NAMED])) + (", ..." if len(bad) > _NAMED else "")


def _rule(what: str) -> str:
    return f"{what} must be a flat sequence of integers (token ids), and"


def _remedy(wrong: object) -> str:
    """What to do about a value that is no integer, or no sequence of them; may be empty."""
    return next((f" {remedy}" for kind, remedy in _REMEDIES if isinstance(wrong, kind)), "")


def _is_integer(value: object) -> bool:
    try:
        operator.index(value)  # type: ignore[arg-type] # that is the question
    except TypeError:
        return False
    return type(value) is not bool
