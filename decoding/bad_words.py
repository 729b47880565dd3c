"""Words that must not be written, as sequences of token ids.

A word of one token is forbidden everywhere; a longer one is prevented at its last token, when the
text, prompt included, ends with all the others: as Hugging Face does.
"""

from collections.abc import Iterable, Sequence

from quoth.decoding.tokens import token_tuple
from quoth.errors import ConfigError, InputError

Words = tuple[tuple[int, ...], ...]


class BadWords:
    """Knows after each token which ones would complete a word; looks at the text's end only."""

    def __init__(self, words: Words, prompt_ids: Sequence[int]) -> None:
        self._alone = tuple({word[0] for word in words if len(word) == 1})
        self._begun: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for *start, end in (word for word in words if len(word) > 1):
            self._begun.setdefault(start[-1], []).append((tuple(start), end))
        self._longest = max(map(len, words)) - 1
        self._tail = tuple(prompt_ids[-self._longest :]) if self._longest else ()

    def completions(self) -> tuple[int, ...]:
        """The tokens that must not come next."""
        tail = self._tail
        begun = self._begun.get(tail[-1], ()) if tail else ()
        return (*self._alone, *(end for start, end in begun if tail[-len(start) :] == start))

    def add(self, token: int) -> None:
        """One more token stands at the end of the text."""
        if self._longest:
            self._tail = (*self._tail, token)[-self._longest :]


def checked_words(words: Iterable[Iterable[int]]) -> Words:
    """The option `bad_words` as tuples.

    Raises:
        ConfigError: It is no sequence of sequences of token ids, or a word is empty.
    """
    remedy = "give each word's token ids, such as [[5, 17], [8]]"
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise ConfigError(f"bad_words is {words!r}; {remedy}.")
    try:
        checked = tuple(token_tuple(word, f"The bad word {word!r}") for word in words)
    except InputError as error:
        raise ConfigError(f"{error} In bad_words, {remedy}.") from error
    if () in checked:
        raise ConfigError(f"A word in bad_words is empty; leave it out, or {remedy}.")
    return checked
