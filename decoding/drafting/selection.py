"""From the `drafting=` argument to drafters: names, drafter objects, or a sequence of both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from quoth.decoding.config import DecodingConfig
from quoth.decoding.drafting.jacobi import JacobiDrafter
from quoth.decoding.drafting.lookahead import LookaheadDrafter
from quoth.decoding.drafting.none import NoDrafter
from quoth.decoding.drafting.prepared import PreparedSources
from quoth.decoding.drafting.protocol import Drafter
from quoth.decoding.drafting.recycle import RecycleDrafter
from quoth.decoding.drafting.reference import ReferenceDrafter
from quoth.errors import ConfigError

Drafting = str | Drafter | Sequence[str | Drafter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What drafters are made of.

    `prepared` keeps what is made of references from request to request, and knows the spellings.
    """

    config: DecodingConfig
    prepared: PreparedSources = field(default_factory=PreparedSources)


def _reference(material: Material) -> Drafter:
    return ReferenceDrafter(material.config, prepared=material.prepared)


def _phrases(_material: Material) -> Drafter:
    raise ConfigError(
        'The drafting "phrases" needs a file of phrases. Make one with "quoth phrases build", and '
        "pass PhrasesDrafter(PhraseStore.open(...)) instead of the name."
    )


_MAKERS: dict[str, Callable[[Material], Drafter]] = {
    "none": lambda _material: NoDrafter(),
    "reference": _reference,
    "lookahead": lambda material: LookaheadDrafter(None, material.config),
    "phrases": _phrases,
    "jacobi": lambda material: JacobiDrafter(material.config),
    "recycle": lambda material: RecycleDrafter(material.config),
}
_AUTO = ("reference", "recycle", "jacobi")


def select_drafters(drafting: Drafting, material: Material) -> tuple[Drafter, ...]:
    """The drafters to ask; guesses on which they agree are credited in this order.

    Raises:
        ConfigError: Nobody knows a name; the message lists the known ones.
    """
    if isinstance(drafting, str | bytes) or not isinstance(drafting, Sequence):
        drafting = [drafting]
    named = [each for choice in drafting for each in (_AUTO if choice == "auto" else (choice,))]
    return tuple(_one(choice, material) for choice in named)


def _one(choice: str | Drafter, material: Material) -> Drafter:
    if not isinstance(choice, str):
        if isinstance(choice, type) or not callable(getattr(choice, "start", None)):
            raise ConfigError(
                f'drafting holds {choice!r}; give names, such as "auto" and "none", or drafters: '
                f"objects with a method start."
            )
        return choice
    if choice not in _MAKERS:
        known = ", ".join(sorted((*_MAKERS, "auto")))
        raise ConfigError(f"There is no drafting {choice!r}. Known are: {known}.")
    return _MAKERS[choice](material)
