"""Where the last tokens of a list stood before, looked up in one sorted order.

This runs at every step of every answer; `_matching.pyx` has the same compiled.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from quoth.decoding.token_search import Array, merging_order, stable_order

CONTEXT = 16
"""Matches are told apart up to this length."""

Occurrence = tuple[int, int]
"""A place of the list's last token: (place, length).

`place` is where it *goes on*, as a position of the list; `length` tokens before it equal the end of
the list, 1 to `CONTEXT`.
"""

DIGIT = 20
"""Bits of a token in a key; larger ids share keys, which costs nothing but time."""

_MASK = (1 << DIGIT) - 1


class SortedPlaces(NamedTuple):
    """Orders of the places of tokens, each [N]; of equal ones the first place comes first.

    Attributes:
        keys: Of the token at each place and the two before it, up to a separator, rising.
        order: The places of these.
        by_token: The places in the order of the token alone.
    """

    keys: Array
    order: Array
    by_token: Array

    @classmethod
    def of(cls, tokens: Array) -> Self:
        """Sort the places of tokens, [N]; negative ones separate texts."""
        digits = (tokens + 1).clip(min=0) & _MASK
        is_token = tokens >= 0
        one_back = np.concatenate(([0], digits[:-1])) * is_token
        two_back = np.concatenate(([0], one_back[:-1])) * is_token
        keys: Array = (digits << DIGIT | one_back) << DIGIT | two_back
        order = stable_order(keys)
        return cls(keys[order], order, stable_order(digits))

    @classmethod
    def merged(cls, parts: Sequence[Self], offsets: Sequence[int]) -> Self:
        """The orders of texts one behind the other, each of which begins with a separator."""
        keys = np.concatenate([part.keys for part in parts])
        order = merging_order(keys)
        by_token = merging_order(keys >> 2 * DIGIT)
        return cls(
            keys[order],
            _moved([part.order for part in parts], offsets)[order],
            _moved([part.by_token for part in parts], offsets)[by_token],
        )


class SortedClasses(NamedTuple):
    """The spellings of the tokens that have one, rising, and their places, [M] each."""

    classes: Array
    places: Array

    @classmethod
    def none(cls) -> Self:
        """Of no token the spelling is known."""
        nothing: Array = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing)

    @classmethod
    def of(cls, tokens: Array, spellings: Array) -> Self:
        """Sort tokens, [N], by spelling; negative ones have none."""
        places = np.flatnonzero((tokens >= 0) & (tokens < len(spellings)))
        classes = spellings[tokens[places]]
        order = stable_order(classes)
        return cls(classes[order], places[order])

    @classmethod
    def merged(cls, parts: Sequence[Self], offsets: Sequence[int]) -> Self:
        """Those of texts one behind the other."""
        classes = np.concatenate([part.classes for part in parts])
        order = merging_order(classes)
        return cls(classes[order], _moved([part.places for part in parts], offsets)[order])


class Places:
    """Finds the places of tokens, pairs and triples in the first tokens of a list."""

    def __init__(self, places: SortedPlaces) -> None:
        self._keys, self._order, self._by_token = places

    def find(
        self, tokens: list[int], added: Mapping[int, list[int]], limit: int
    ) -> list[Occurrence]:
        """At most `limit` places of the list's end, the longest matches first, then the latest.

        `tokens` is the list, which may have grown since; `added` tells where each token stands in
        what it grew by. They are taken from the latest places of its last three tokens, two and
        one; of what was added, of the last one only. Where these are more than `limit`, a longer
        match that lies far back can be missing.
        """
        end = len(tokens) - 1  # position of the last token
        last, before = tokens[end], tokens[end - 1]
        found: list[tuple[int, int]] = []  # negative, so that they sort
        places = set(added.get(last, ())[-limit - 1 :])
        places.update(self._candidates(tokens, limit + 1))
        for place in places:  # `end` may be one of them
            if place == end or tokens[place] != last:
                continue
            length = 1
            if tokens[place - 1] == before:  # most end here
                length = 2
                while length < CONTEXT and tokens[place - length] == tokens[end - length]:
                    length += 1
            found.append((-length, -place - 1))
        found.sort()
        return [(-minus_place, -minus_length) for minus_length, minus_place in found[:limit]]

    def _candidates(self, tokens: Sequence[int], limit: int) -> set[int]:
        """The latest places of the last three tokens, and of fewer where they are rare."""
        end = len(tokens) - 1
        three, two, one = (_digit(tokens[max(0, end - back)]) for back in (2, 1, 0))
        pair = one << DIGIT | two
        low, high = one << 2 * DIGIT, (one + 1) << 2 * DIGIT
        key, key_low, key_high = pair << DIGIT | three, pair << DIGIT, (pair + 1) << DIGIT
        wanted = (low, key_low, key, key + 1, key_high, high)
        one_from, two_from, three_from, three_to, two_to, one_to = self._keys.searchsorted(
            wanted
        ).tolist()
        if one_to - one_from <= limit:
            return set(self._order[one_from:one_to].tolist())
        places = set(self._order[max(three_from, three_to - limit) : three_to].tolist())
        if three_to - three_from < limit:
            pairs = self._order[two_from:two_to]
            if len(pairs) > limit:
                pairs = np.partition(pairs, len(pairs) - limit)[-limit:]
            places.update(pairs.tolist())
        if two_to - two_from < limit:  # both orders have the places of one token in the same range
            places.update(self._by_token[max(one_from, one_to - limit) : one_to].tolist())
        return places


class Alike:
    """Finds the places of tokens by how they are spelt.

    Args:
        places: Of the list as it is now.
        spellings: By token id, the class of tokens that are spelt alike, [V], none negative.
    """

    def __init__(self, places: SortedClasses, spellings: Array) -> None:
        self._spellings = spellings
        self._classes, self._places = places

    def find(self, tokens: list[int], limit: int) -> list[int]:
        """Where the latest other spellings of the last token go on, at most `limit`, rising.

        Example: the list ends with "Tea"; "... cups of tea are" goes on after "tea".
        """
        last = tokens[-1]
        if not 0 <= last < len(self._spellings):
            return []
        spelling = self._spellings[last]
        first, end = self._classes.searchsorted((spelling, spelling + 1)).tolist()
        places = self._places[max(first, end - 4 * limit) : end].tolist()
        alike = [place + 1 for place in places if tokens[place] != last]
        return alike[-limit:]


def _moved(places: Sequence[Array], offsets: Sequence[int]) -> Array:
    """Places of several texts in the list where each begins at its offset."""
    return np.concatenate([own + offset for own, offset in zip(places, offsets, strict=True)])


def _digit(token: int) -> int:
    return max(-1, token) + 1 & _MASK
