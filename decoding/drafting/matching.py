"""Where the last tokens of a list stood before, looked up in one sorted order.

This runs at every step of every answer; `_matching.pyx` has the same compiled.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from quoth.decoding.token_search import Array, stable_order

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


class Places:
    """The places of tokens, pairs and triples in the first tokens of a list.

    Args:
        tokens: The list as it is now, [N]; negative ones separate texts.
    """

    def __init__(self, tokens: Array) -> None:
        self._keys, self._order, self._by_token = sorted_places(tokens)

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
    """The places of tokens by how they are spelt.

    Args:
        tokens: The list as it is now, [N]; negative ones are not tokens.
        spellings: By token id, the class of tokens that are spelt alike, [V], none negative.
    """

    def __init__(self, tokens: Array, spellings: Array) -> None:
        self._spellings = spellings
        self._classes, self._places = sorted_classes(tokens, spellings)

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


def sorted_places(tokens: Array) -> tuple[Array, Array, Array]:
    """Orders of the places of tokens, each [N]; of equal ones the first place comes first.

    Returns:
        The keys of the last token at each place and the two before it, sorted; their places; and
        the places sorted by the last token alone.
    """
    digits = (tokens + 1).clip(min=0) & _MASK
    one_back = np.concatenate(([0], digits[:-1]))
    two_back = np.concatenate(([0, 0], digits[:-2]))[: len(digits)]
    keys: Array = (digits << DIGIT | one_back) << DIGIT | two_back
    order = stable_order(keys)
    return keys[order], order, stable_order(digits)


def sorted_classes(tokens: Array, spellings: Array) -> tuple[Array, Array]:
    """The spellings of the tokens that have one, sorted, and their places, [M] each."""
    places = np.flatnonzero((tokens >= 0) & (tokens < len(spellings)))
    classes = spellings[tokens[places]]
    order = stable_order(classes)
    return classes[order], places[order]


def _digit(token: int) -> int:
    return max(-1, token) + 1 & _MASK
