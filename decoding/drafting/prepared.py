"""Texts prepared for the index of occurrences: once, however many requests copy from them.

What a passage's tokens are sorted into does not depend on what stands beside it, so the order of
many texts is merged from theirs. `PreparedSources` keeps it for the sources used last.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from threading import Lock

import numpy as np

from quoth.decoding.drafting.matching import SortedClasses, SortedPlaces
from quoth.decoding.token_search import Array, Needle

Spellings = Sequence[int] | Array  # by token id, the class of tokens that are spelt alike

_KEPT_TOKENS = 1 << 19
"""Of sources, whose preparation takes 100 bytes a token at most: 50 MB."""


class PreparedTokens:
    """A text behind a separator; each part is made when it is first asked for.

    Args:
        token_ids: None negative.
        spellings: By token id, the class of tokens that are spelt alike, [V]; None: not known.
    """

    def __init__(self, token_ids: Sequence[int], spellings: Array | None = None) -> None:
        self.token_ids = token_ids
        self._spellings = spellings

    def __len__(self) -> int:
        return len(self.token_ids)

    @cached_property
    def needle(self) -> Needle:
        """To find the text in another one."""
        return Needle(self.token_ids)

    @cached_property
    def places(self) -> SortedPlaces:
        """Its places, counted from the separator, which is 0."""
        return SortedPlaces.of(self._array)

    @cached_property
    def classes(self) -> SortedClasses:
        """Its places by spelling; none if these are not known."""
        if self._spellings is None:
            return SortedClasses.none()
        return SortedClasses.of(self._array, self._spellings)

    @cached_property
    def counts(self) -> tuple[Array, Array]:
        """Its different tokens, rising, and how often each is said."""
        return np.unique(self._array[1:], return_counts=True)

    def make(self) -> None:
        """Make all parts now."""
        _ = self.needle, self.places, self.classes, self.counts

    @cached_property
    def _array(self) -> Array:
        return np.asarray((-1, *self.token_ids), dtype=np.int64)


class PreparedSources:
    """The prepared form of the copy sources that were used last, by their tokens. From any thread.

    Args:
        spellings: By token id, the class of tokens that are spelt alike, [V]; None: not known.
        max_tokens: Sources that are longest out of use are dropped beyond this, but for one.
    """

    def __init__(
        self, spellings: Spellings | None = None, *, max_tokens: int = _KEPT_TOKENS
    ) -> None:
        self.spellings = None if spellings is None else np.asarray(spellings, dtype=np.int64)
        self._max_tokens = max_tokens
        self._kept: OrderedDict[tuple[int, ...], PreparedTokens] = OrderedDict()
        self._num_tokens = 0
        self._lock = Lock()

    def source(self, token_ids: Sequence[int]) -> PreparedTokens:
        """The prepared form of a source, the same as long as it is kept."""
        key = tuple(token_ids)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
            made = self._kept[key] = PreparedTokens(key, self.spellings)
            self._num_tokens += len(key)
            while self._num_tokens > self._max_tokens and len(self._kept) > 1:
                gone, _ = self._kept.popitem(last=False)
                self._num_tokens -= len(gone)
        return made

    def text(self, token_ids: Sequence[int]) -> PreparedTokens:
        """The prepared form of what will not come again, such as a prompt; it is not kept."""
        return PreparedTokens(token_ids, self.spellings)
