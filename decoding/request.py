"""One decoding request, checked when it is made: what comes from the caller is never trusted."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.decoding.generation import Reference
from quoth.decoding.sampling import Sampling
from quoth.errors import ConfigError, ContextOverflowError, InputError

if TYPE_CHECKING:
    from transformers import LogitsProcessorList

_NAMED = 5  # so many bad token ids are named in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything that determines one text, but the model.

    Raises:
        InputError: The prompt is empty, or two references have the same id.
        ConfigError: A setting is out of range.
    """

    prompt_ids: tuple[int, ...]
    references: tuple[Reference, ...]
    max_new_tokens: int
    sampling: Sampling
    stop: tuple[str, ...]
    eos_token_ids: frozenset[int]
    logits_processor: "LogitsProcessorList | None"

    def __post_init__(self) -> None:
        if not self.prompt_ids:
            raise InputError("The prompt is empty; it must hold at least one token.")
        if not isinstance(self.max_new_tokens, int) or self.max_new_tokens < 1:
            raise ConfigError(
                f"max_new_tokens is {self.max_new_tokens!r}; it must be an integer of at least 1."
            )
        if "" in self.stop:
            raise ConfigError("A stop string is empty; it would end every text at once.")
        ids = [reference.id for reference in self.references]
        if len(set(ids)) < len(ids):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            raise InputError(f"Several references have the same id: {', '.join(twice)}.")

    def check_fit(self, *, vocabulary_size: int, window: int) -> None:
        """Check the tokens against a model.

        Raises:
            InputError: A token id is not in the vocabulary (also a ValueError).
            ContextOverflowError: The window has no room for the prompt and one token more.
        """
        _check_tokens("The prompt", self.prompt_ids, vocabulary_size)
        for reference in self.references:
            _check_tokens(f"The reference {reference.id!r}", reference.token_ids, vocabulary_size)
        if len(self.prompt_ids) + 1 > window:
            raise ContextOverflowError(needed=len(self.prompt_ids) + 1, window=window)


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


@contextmanager
def naming_row(number: int) -> Iterator[None]:
    """What is wrong with a prompt of a batch is said with its number.

    Raises:
        InputError: As within, with the number.
        ContextOverflowError: As within, with the number.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"Row {number} of the batch: {error}") from error
    except ContextOverflowError as error:
        what = f"Row {number} of the batch"
        raise ContextOverflowError(needed=error.needed, window=error.window, what=what) from error


def _check_tokens(what: str, token_ids: Sequence[int], vocabulary_size: int) -> None:
    bad = [token for token in token_ids if not 0 <= token < vocabulary_size]
    if bad:
        named = ", ".join(map(str, bad[:_NAMED])) + (", ..." if len(bad) > _NAMED else "")
        raise InputError(
            f"{what} holds token ids outside the vocabulary of {vocabulary_size}: {named}. Was it "
            f"made with another tokenizer?"
        )
