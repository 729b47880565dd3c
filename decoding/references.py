"""Copy sources as they come from callers: checked, and said plainly if they are something else."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from quoth.decoding.generation import Reference
from quoth.decoding.tokens import described, is_iterable, token_tuple
from quoth.errors import InputError

_T = TypeVar("_T")
_RULE = "The references must be a sequence of Reference(id, token_ids), and"
_REMEDY = "Make one of text by Reference('name', tokenizer(text)['input_ids']); () is none."


def checked_references(given: Iterable[Reference]) -> tuple[Reference, ...]:
    """References with plain token ids; what has an `id` and `token_ids` is one.

    Raises:
        InputError: Something is no reference, has no string for an id, or the id of another one.
    """
    references = tuple(map(_checked, reference_list(given)))
    ids = [reference.id for reference in references]
    if len(set(ids)) < len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise InputError(f"Several references have the same id: {', '.join(twice)}.")
    return references


def reference_list(given: Iterable[_T]) -> list[_T]:
    """What was given for references, or for one list of them per row.

    Raises:
        InputError: It is a text, a single reference, or no sequence at all.
    """
    if is_reference(given):
        raise InputError(f"{_RULE} are a single one: {described(given)}. Put it into a list.")
    if isinstance(given, str | bytes | Mapping) or not is_iterable(given):
        raise InputError(f"{_RULE} are {described(given)}. {_REMEDY}")
    return list(given)


def is_reference(value: object) -> bool:
    """Whether it has what a reference has."""
    return hasattr(value, "id") and hasattr(value, "token_ids")


def is_listing(value: object) -> bool:
    """Whether it may be a list of references, and not one of them or something else."""
    return not is_reference(value) and not isinstance(value, str | bytes) and is_iterable(value)


def _checked(value: object) -> Reference:
    if not is_reference(value):
        raise InputError(f"{_RULE} hold {described(value)}. {_REMEDY}")
    name, token_ids = value.id, value.token_ids  # type: ignore[attr-defined] # it has them
    if not isinstance(name, str):
        raise InputError(f"The id of a reference is {described(name)}; it must be a string.")
    return Reference(str.__str__(name), token_tuple(token_ids, f"The reference {name!r}"))
