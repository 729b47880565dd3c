"""Where the end of a text has occurred before, in the text itself and in other sources.

All sources and the growing text lie in one array, each behind a separator that equals no token.
The places of the last one, two and three tokens are ranges of three sorted orders, made once with
NumPy (128 k tokens: tens of milliseconds) and found by binary search; what was added since is
looked up in a dictionary. A suffix automaton would find the longest match sooner in theory, but it
merges places: to let occurrences vote, and to say of each copied token where it came from, the
places themselves are needed. Knows token ids only.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]

CONTEXT = 16
"""Matches are told apart up to this length."""

# Bits of a token in a key; larger ids share keys, which costs nothing but time.
_DIGIT = 20
_MASK = (1 << _DIGIT) - 1
_END = -(1 << 62)  # behind the last token
_OFFSETS = np.arange(CONTEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrences:
    """Some places of the text's last token, the longest matches first, then the latest.

    Attributes:
        places: Where each occurrence *goes on*, as positions of the array, [N].
        lengths: How many tokens before it equal the end of the text, 1 to `CONTEXT`, [N].
        before: The tokens before it, the nearest first, [N, CONTEXT].
    """

    places: Array
    lengths: Array
    before: Array


class OccurrenceIndex:
    """Sources first, in the order given, then the text, which can grow.

    Example: the sources are [5, 6, 7] and [6, 8]; the text is [9, 5, 6]. The array is
    | 5 6 7 | 6 8 | 9 5 6, where "|" is a separator. "6" goes on at position 3 after two equal
    tokens ("5 6"), and at position 6 after one.
    """

    def __init__(self, sources: Sequence[Sequence[int]], text: Sequence[int]) -> None:
        parts: list[Sequence[int]] = []
        self.starts: list[int] = []  # where each source begins, and last the text
        length = 0
        for number, part in enumerate([*sources, text]):
            parts += [(-1 - number,), part]
            self.starts.append(length + 1)
            length += 1 + len(part)
        parts.append((_END,))
        self._tokens = np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])
        self._length = length
        keys = _keys(self._tokens[:length])
        self._orders = [np.argsort(key, kind="stable") for key in keys]
        self._sorted = [key[order] for key, order in zip(keys, self._orders, strict=True)]
        self._added: defaultdict[int, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return self._length

    def append(self, token_ids: Sequence[int]) -> None:
        """Let the text grow."""
        end = self._length + len(token_ids)
        if end >= len(self._tokens):
            grown = np.empty(max(end + 1, 2 * len(self._tokens)), dtype=np.int64)
            grown[: self._length] = self._tokens[: self._length]
            self._tokens = grown
        self._tokens[self._length : end] = token_ids
        self._tokens[end] = _END
        for place, token in enumerate(token_ids, start=self._length):
            self._added[token].append(place)
        self._length = end

    def tokens(self, start: int, end: int) -> list[int]:
        """The array's tokens from `start` to `end`, cut at the next separator and at its end."""
        found: list[int] = self._tokens[start : min(end, self._length)].tolist()
        return cut(found)

    def following(
        self,
        places: Array,
        width: int,
    ) -> list[list[int]]:  # [N][width]
        """What stands from each place on; a negative token is the end of its source."""
        offsets = places[:, None] + np.arange(width)
        found: list[list[int]] = self._tokens[np.minimum(offsets, self._length)].tolist()
        return found

    def source_at(self, place: int) -> int:
        """Which source `place` lies in; the number of sources stands for the text."""
        return bisect_right(self.starts, place) - 1

    def find(self, limit: int) -> Occurrences:
        """At most `limit` places of the text's end, the longest matches first, then the latest.

        They are taken from the latest places of its last three tokens, two and one; of what was
        added since, of the last one only. Where these are more than `limit`, a longer match that
        lies far back can be missing.
        """
        end = self._length - 1  # position of the last token
        found = np.unique(np.concatenate(self._candidates(end, limit + 1)))  # `end` is one of them
        found = found[found < end]
        before = self._tokens[np.maximum(found[:, None] - _OFFSETS, 0)]
        tail = self._tokens[np.maximum(end - _OFFSETS, 0)]
        equal = before == tail
        lengths = np.where(equal.all(axis=1), CONTEXT, equal.argmin(axis=1))
        best = np.lexsort((-found, -lengths))[: min(limit, np.count_nonzero(lengths))]
        return Occurrences(places=found[best] + 1, lengths=lengths[best], before=before[best])

    @property
    def tail(self) -> Array:
        """The last tokens of the text, the nearest first, [CONTEXT]."""
        return self._tokens[np.maximum(self._length - 1 - _OFFSETS, 0)]

    def _candidates(self, end: int, limit: int) -> list[Array]:
        """The latest places of the last three tokens, and of fewer where they are rare."""
        parts = [np.asarray(self._added[int(self._tokens[end])][-limit:], dtype=np.int64)]
        two, one, zero = (max(0, place) for place in range(end - 2, end + 1))
        digits = [(max(-1, int(self._tokens[place])) + 1) & _MASK for place in (zero, one, two)]
        pair = digits[0] << _DIGIT | digits[1]
        wanted = (pair << _DIGIT | digits[2], pair, digits[0])
        for key, order, ordered in zip(wanted, self._orders, self._sorted, strict=True):
            first, last = ordered.searchsorted((key, key + 1)).tolist()
            parts.append(order[max(first, last - limit) : last])
            if last - first >= limit:
                break
        return parts


def _keys(tokens: Array) -> tuple[Array, Array, Array]:
    """One number for the last three, two and one tokens at each place."""
    digits = (tokens + 1).clip(min=0) & _MASK
    one_back = np.concatenate(([0], digits[:-1]))
    two_back = np.concatenate(([0, 0], digits[:-2]))[: len(digits)]
    pairs = digits << _DIGIT | one_back
    return pairs << _DIGIT | two_back, pairs, digits


def cut(tokens: list[int]) -> list[int]:
    """Tokens up to the first separator."""
    return next((tokens[:index] for index, token in enumerate(tokens) if token < 0), tokens)
