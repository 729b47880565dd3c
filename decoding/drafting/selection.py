"""From the `drafting=` argument to drafters: names, drafter objects, or a sequence of both."""

from collections.abc import Callable, Sequence

from quoth.decoding.config import DecodingConfig
from quoth.decoding.drafting.none import NoDrafter
from quoth.decoding.drafting.protocol import Drafter
from quoth.decoding.drafting.reference import ReferenceDrafter
from quoth.errors import ConfigError

Drafting = str | Drafter | Sequence[str | Drafter]

_MAKERS: dict[str, Callable[[DecodingConfig], Drafter]] = {
    "none": lambda _config: NoDrafter(),
    "reference": ReferenceDrafter,
    "auto": ReferenceDrafter,
}


def select_drafters(drafting: Drafting, config: DecodingConfig) -> tuple[Drafter, ...]:
    """The drafters to ask; guesses on which they agree are credited in this order.

    Raises:
        ConfigError: Nobody knows a name; the message lists the known ones.
    """
    chosen = (
        [drafting] if isinstance(drafting, str) or not isinstance(drafting, Sequence) else drafting
    )
    return tuple(_one(choice, config) for choice in chosen)


def _one(choice: str | Drafter, config: DecodingConfig) -> Drafter:
    if not isinstance(choice, str):
        return choice
    if choice not in _MAKERS:
        known = ", ".join(sorted(_MAKERS))
        raise ConfigError(f"There is no drafting {choice!r}. Known are: {known}.")
    return _MAKERS[choice](config)
