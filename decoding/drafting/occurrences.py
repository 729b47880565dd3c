"""Where the end of a text has occurred before, in the text itself and in other sources.

All sources and the growing text lie in one list, each behind a separator that equals no token. The
places of the last one, two and three tokens are ranges of one sorted order, made once with NumPy
(128 k tokens: tens of milliseconds) and found by one binary search; what was added since is looked
up in a dictionary. A suffix automaton would find the longest match sooner in theory, but it merges
places: to let occurrences vote, and to say of each copied token where it came from, the places
themselves are needed. Knows token ids only.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]
Spellings = Sequence[int] | Array  # by token id, the class of tokens that are spelt alike

CONTEXT = 16
"""Matches are told apart up to this length."""

# Bits of a token in a key; larger ids share keys, which costs nothing but time.
_DIGIT = 20
_MASK = (1 << _DIGIT) - 1
_UNSEEN = -(1 << 62)


class Occurrence(NamedTuple):
    """A place of the text's last token.

    `place` is where it *goes on*, as a position of the list; `length` tokens before it equal the
    end of the text, 1 to `CONTEXT`.
    """

    place: int
    length: int


class OccurrenceIndex:
    """Sources first, in the order given, then the text, which can grow.

    Example: the sources are [5, 6, 7] and [6, 8]; the text is [9, 5, 6]. The list is
    | 5 6 7 | 6 8 | 9 5 6, where "|" is a separator. "6" goes on at position 3 after two equal
    tokens ("5 6"), and at position 6 after one.

    Args:
        sources: Tokens, never negative.
        text: Tokens.
        spellings: By token id, the class of tokens that are spelt alike; see `find_alike`.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        text: Sequence[int],
        spellings: Spellings | None = None,
    ) -> None:
        self.tokens: list[int] = []
        self.starts: list[int] = []  # where each source begins, and last the text
        for number, part in enumerate([*sources, text]):
            self.tokens.append(-1 - number)
            self.starts.append(len(self.tokens))
            self.tokens.extend(part)
        tokens = np.asarray(self.tokens, dtype=np.int64)
        digits = (tokens + 1).clip(min=0) & _MASK
        keys = _keys(digits)
        self._order = np.argsort(keys, kind="stable")  # by the last three tokens
        self._keys = keys[self._order]
        self._by_token = np.argsort(digits, kind="stable")  # has the same ranges of tokens
        self._indexed = tokens
        self._spellings = None if spellings is None else np.asarray(spellings, dtype=np.int64)
        self._added: defaultdict[int, list[int]] = defaultdict(list)

    def append(self, token_ids: Sequence[int]) -> None:
        """Let the text grow."""
        for place, token in enumerate(token_ids, start=len(self.tokens)):
            self._added[token].append(place)
        self.tokens.extend(token_ids)

    def find(self, limit: int) -> list[Occurrence]:
        """At most `limit` places of the text's end, the longest matches first, then the latest.

        They are taken from the latest places of its last three tokens, two and one; of what was
        added since, of the last one only. Where these are more than `limit`, a longer match that
        lies far back can be missing.
        """
        tokens = self.tokens
        end = len(tokens) - 1  # position of the last token
        last, before = tokens[end], tokens[end - 1]
        found = []
        for place in self._candidates(end, limit + 1):  # `end` may be one of them
            if place == end or tokens[place] != last:
                continue
            length = 1
            if tokens[place - 1] == before:  # most end here
                length = 2
                while length < CONTEXT and tokens[place - length] == tokens[end - length]:
                    length += 1
            found.append(Occurrence(place + 1, length))
        found.sort(key=_longest_then_latest)
        return found[:limit]

    def find_alike(self, limit: int) -> list[int]:
        """Where the latest other spellings of the last token go on, at most `limit`.

        Example: the text ends with "Tea"; "... cups of tea are" goes on after "tea".
        """
        if self._spellings is None:
            return []
        last = self.tokens[-1]
        spelling = self._spelling(last)
        ranges, order = self._alike
        first, end = ranges.searchsorted((spelling, spelling + 1)).tolist()
        places = order[max(first, end - 4 * limit) : end].tolist()
        alike = [place + 1 for place in places if self.tokens[place] != last]
        return alike[-limit:]

    @cached_property
    def _alike(self) -> tuple[Array, Array]:
        """The spellings of what was indexed, sorted, and their places."""
        assert self._spellings is not None
        known = np.clip(self._indexed, 0, len(self._spellings) - 1)
        spellings = np.where(self._indexed == known, self._spellings[known], _UNSEEN)
        order = np.argsort(spellings, kind="stable")
        return spellings[order], order

    def _spelling(self, token: int) -> int:
        assert self._spellings is not None
        return int(self._spellings[token]) if 0 <= token < len(self._spellings) else _UNSEEN - 1

    def _candidates(self, end: int, limit: int) -> set[int]:
        """The latest places of the last three tokens, and of fewer where they are rare."""
        tokens = self.tokens
        places = set(self._added[tokens[end]][-limit:])
        three, two, one = (_digit(tokens[max(0, end - back)]) for back in (2, 1, 0))
        pair = one << _DIGIT | two
        low, high = one << 2 * _DIGIT, (one + 1) << 2 * _DIGIT
        key, key_low, key_high = pair << _DIGIT | three, pair << _DIGIT, (pair + 1) << _DIGIT
        wanted = (low, key_low, key, key + 1, key_high, high)
        one_from, two_from, three_from, three_to, two_to, one_to = self._keys.searchsorted(
            wanted
        ).tolist()
        if one_to - one_from <= limit:
            places.update(self._order[one_from:one_to].tolist())
            return places
        places.update(self._order[max(three_from, three_to - limit) : three_to].tolist())
        if three_to - three_from < limit:
            pairs = self._order[two_from:two_to]
            if len(pairs) > limit:
                pairs = np.partition(pairs, len(pairs) - limit)[-limit:]
            places.update(pairs.tolist())
        if two_to - two_from < limit:
            places.update(self._by_token_range(one_from, one_to, limit))
        return places

    def _by_token_range(self, first: int, end: int, limit: int) -> list[int]:
        """The latest places of one token: both orders have its places in the same range."""
        latest: list[int] = self._by_token[max(first, end - limit) : end].tolist()
        return latest


def _longest_then_latest(occurrence: Occurrence) -> tuple[int, int]:
    return -occurrence.length, -occurrence.place


def _digit(token: int) -> int:
    return max(-1, token) + 1 & _MASK


def _keys(digits: Array) -> Array:
    """One number for the last token at each place and the two before it, the last one first."""
    one_back = np.concatenate(([0], digits[:-1]))
    two_back = np.concatenate(([0, 0], digits[:-2]))[: len(digits)]
    keys: Array = (digits << _DIGIT | one_back) << _DIGIT | two_back
    return keys
