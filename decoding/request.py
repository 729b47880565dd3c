"""One decoding request, checked when it is made: what comes from the caller is never trusted."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

from quoth.decoding.bad_words import Words, checked_words
from quoth.decoding.checks import check_integer, plain_number
from quoth.decoding.generation import Reference
from quoth.decoding.options import DecodingOptions
from quoth.decoding.penalties import Penalties
from quoth.decoding.references import checked_references
from quoth.decoding.sampling import Sampling
from quoth.decoding.tokens import foreign_tokens, token_tuple
from quoth.errors import ConfigError, ContextOverflowError, InputError

if TYPE_CHECKING:
    from transformers import LogitsProcessorList


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything that determines one text, but the model.

    Raises:
        InputError: The prompt is empty.
        ConfigError: A setting is out of range.
    """

    prompt_ids: tuple[int, ...]
    references: tuple[Reference, ...] = ()
    max_new_tokens: int = 256
    sampling: Sampling = field(default_factory=Sampling)
    penalties: Penalties = field(default_factory=Penalties)
    bad_words: Words = ()
    stop: tuple[str, ...] = ()
    eos_token_ids: frozenset[int] = frozenset()
    logits_processor: "LogitsProcessorList | None" = None
    logprobs: bool | int = False

    @classmethod
    def from_options(
        cls,
        prompt_ids: Sequence[int],
        references: Sequence[Reference],
        options: DecodingOptions,
        *,
        default_eos: Sequence[int],
    ) -> Self:
        """Take up the options of `Decoder.generate`, but for `drafting`, which changes no text.

        Args:
            prompt_ids: As for `Decoder.generate`.
            references: As for `Decoder.generate`.
            options: What is left out has the default of the field that it goes to.
            default_eos: Where the text ends unless `eos_token_ids` is given: the model's own.

        Raises:
            TypeError: There is no option of that name.
            InputError: A prompt or reference cannot be used.
            ConfigError: A setting is out of range.
        """
        given = _known(options)
        given.pop("drafting", None)
        eos = given.pop("eos_token_ids", None)
        return cls(
            prompt_ids=token_tuple(prompt_ids, "The prompt"),
            references=checked_references(references),
            sampling=Sampling(**_taken(given, Sampling)),
            penalties=Penalties(**_taken(given, Penalties)),
            bad_words=checked_words(given.pop("bad_words", ())),
            stop=_strings(given.pop("stop", ())),
            eos_token_ids=frozenset(default_eos if eos is None else _eos_tokens(eos)),
            **given,
        )

    def __post_init__(self) -> None:
        if not self.prompt_ids:
            raise InputError("The prompt is empty; it must hold at least one token.")
        check_integer("max_new_tokens", self.max_new_tokens, lambda n: n >= 1, "1 or above")
        if "" in self.stop:
            raise ConfigError("A stop string is empty; it would end every text at once.")
        if self.logits_processor is not None and not callable(self.logits_processor):
            raise ConfigError(
                f"logits_processor is {self.logits_processor!r}; it must be a LogitsProcessorList "
                f"of transformers, or None."
            )
        if type(self.logprobs) is not bool:
            rule = "1 or above, the number of alternatives; or True, without any, or False"
            check_integer("logprobs", self.logprobs, lambda n: n >= 1, rule)

    @property
    def alternatives(self) -> int | None:
        """How many of the likeliest tokens go with each log-probability; None: no such values."""
        return None if self.logprobs is False else int(self.logprobs is not True and self.logprobs)

    def with_own_processors(self) -> Self:
        """The same request with logits processors that share no state with these.

        Raises:
            ConfigError: They cannot be copied.
        """
        try:
            own = deepcopy(self.logits_processor)
        except Exception as error:
            raise ConfigError(
                f"A logits processor cannot be copied for each row of a batch ({error}). Decode "
                f"the prompts one by one, or give one that can be copied."
            ) from error
        return replace(self, logits_processor=own)

    def check_fit(self, *, vocabulary_size: int, window: int) -> None:
        """Check the tokens against a model.

        Raises:
            InputError: A token id is not in the vocabulary (also a ValueError).
            ConfigError: So is one of a bad word, or there are fewer tokens than alternatives.
            ContextOverflowError: The window has no room for the prompt and one token more.
        """
        _check_tokens("The prompt", self.prompt_ids, vocabulary_size)
        for reference in self.references:
            _check_tokens(f"The reference {reference.id!r}", reference.token_ids, vocabulary_size)
        foreign = foreign_tokens([id_ for word in self.bad_words for id_ in word], vocabulary_size)
        if foreign:
            raise ConfigError(
                f"bad_words holds token ids outside the vocabulary of {vocabulary_size}: "
                f"{foreign}. Was it made with another tokenizer?"
            )
        if self.logprobs > vocabulary_size:
            raise ConfigError(
                f"logprobs is {self.logprobs}; the vocabulary has only {vocabulary_size} tokens."
            )
        if len(self.prompt_ids) + 1 > window:
            raise ContextOverflowError(needed=len(self.prompt_ids) + 1, window=window)


def _known(options: DecodingOptions) -> dict[str, Any]:
    """The options with plain numbers for those of NumPy.

    Raises:
        TypeError: There is no option of that name.
    """
    unknown = sorted(options.keys() - DecodingOptions.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(DecodingOptions.__optional_keys__))
        raise TypeError(f"There is no option {', '.join(unknown)}. Known are: {known}.")
    return {name: plain_number(value) for name, value in options.items()}


def _taken(given: dict[str, Any], kind: type[Sampling | Penalties]) -> dict[str, Any]:
    """The options that are fields of `kind`, taken out of those given."""
    return {each.name: given.pop(each.name) for each in fields(kind) if each.name in given}


def _strings(stop: str | Iterable[str]) -> tuple[str, ...]:
    if isinstance(stop, str):
        return (stop,)
    found = tuple(stop) if isinstance(stop, Iterable) else (stop,)
    if not all(isinstance(each, str) for each in found):
        raise ConfigError(f"stop is {stop!r}; it must be a string or a sequence of strings.")
    return found


def _eos_tokens(token_ids: Iterable[int]) -> tuple[int, ...]:
    try:
        return token_tuple(token_ids, "eos_token_ids")
    except InputError as error:
        raise ConfigError(f"{error} Give token ids, such as (2,), or () for none.") from error


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
    foreign = foreign_tokens(token_ids, vocabulary_size)
    if foreign:
        raise InputError(
            f"{what} holds token ids outside the vocabulary of {vocabulary_size}: {foreign}. Was "
            f"it made with another tokenizer?"
        )
