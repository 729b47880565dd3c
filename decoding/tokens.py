"""Token ids as they come from callers: lists, arrays or tensors; taken as plain integers."""

import operator
from collections.abc import Iterable, Sequence

from quoth.errors import InputError

_NAMED = 5  # so many bad token ids are named in a message


def token_tuple(token_ids: Iterable[int], what: str) -> tuple[int, ...]:
    """Token ids as plain integers, from lists, arrays and one-dimensional tensors alike.

    Raises:
        InputError: Something in there is no integer.
    """
    values = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
    try:
        return tuple(map(operator.index, values))
    except TypeError as error:
        raise InputError(f"{what} must be a flat sequence of integers: {error}.") from error


def foreign_tokens(token_ids: Sequence[int], vocabulary_size: int) -> str:
    """Names the first token ids that are outside the vocabulary; empty if there are none."""
    bad = [token for token in token_ids if not 0 <= token < vocabulary_size]
    return ", ".join(map(str, bad[:_NAMED])) + (", ..." if len(bad) > _NAMED else "")
