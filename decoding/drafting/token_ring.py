"""Texts in a ring of tokens, where the newest overwrites the oldest; what followed a context.

Each text stands before a separator. For contexts of 4, 2 and 1 tokens a hash table leads to the
latest place, and each place to the one before it. What was overwritten needs no deleting: a link
that leads to a younger place is dead, and a place is believed only as far as its tokens equal those
asked for. All arrays are made once; nothing grows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.drafting.context_keys import KEY_BITS, keys_before, keys_in

CONTEXT = 16
"""Matches are told apart up to this length."""

MAX_TOKEN = (1 << 31) - 1
"""The largest token id."""

_ORDERS = (4, 2, 1)
BYTES_PER_TOKEN = 4 + 1 + len(_ORDERS) * (4 + 4 // 2)
"""At most: token, kind, and for each order a link and a share of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastText:
    """What was read and written for one question.

    Attributes:
        token_ids: The prompt, then the answer as far as it was made.
        answer_start: Where the answer begins in them.
    """

    token_ids: tuple[int, ...]
    answer_start: int


class Recalled(NamedTuple):
    """A place of a context in a past text.

    `length` tokens before it equal the context, 1 to `CONTEXT`; `age` tokens were added since;
    `follows` stands there, a negative number ends it; `in_answer` says what it is a part of.
    """

    follows: list[int]
    length: int
    age: int
    in_answer: bool


class TokenRing:
    """A ring of `size` places."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bits = max(1, (size // 2).bit_length() - 1)
        self._tokens = np.full(size, -1, dtype=np.int32)  # a negative one separates
        self._kinds = np.zeros(size, dtype=np.uint8)  # 1 in answers
        shape = len(_ORDERS), size
        self._links = np.zeros(shape, dtype=np.uint32)  # one more than the earlier place; 0: none
        self._heads = np.zeros((len(_ORDERS), 1 << self._bits), dtype=np.uint32)
        self._views = [
            (order, self._heads[number].data, self._links[number].data)
            for number, order in enumerate(_ORDERS)
        ]
        self._token_view, self._kind_view = self._tokens.data, self._kinds.data
        self._next = 0  # where the next text begins

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        held = (self._tokens, self._kinds, self._links, self._heads)
        return sum(array.nbytes for array in held)

    def write(self, tokens: NDArray[np.int64], answer_start: int) -> None:
        """Put a text of less than `size` tokens and a separator in the place of the oldest."""
        count = len(tokens)
        slots = (self._next + np.arange(count + 1)) % self.size
        self._tokens[slots[:-1]] = tokens
        self._tokens[slots[-1]] = -1
        self._kinds[slots] = np.arange(count + 1) >= answer_start
        keys = dict(enumerate(keys_in(tokens), start=1))
        for number, order in enumerate(_ORDERS):
            if order in keys:
                ends, own = keys[order]
                self._link(number, slots[ends], own >> np.uint64(KEY_BITS - self._bits))
        self._next = int(slots[-1] + 1) % self.size

    def recall(
        self,
        context: Sequence[int],  # the last token first
        *,
        limit: int,
        enough: int,
        width: int,
    ) -> list[Recalled]:
        """At most `limit` places of a context, and `width` tokens that follow each.

        The latest places of its last 4 tokens are taken; where these are not `enough`, those of the
        last 2, and then of the last one, too.
        """
        tokens, kinds, size = self._token_view, self._kind_view, self.size
        wanted = context[:CONTEXT]
        found = []
        for place, age in self._places(wanted, limit, enough):
            length = 0
            for token in wanted:
                if tokens[place - length] != token:
                    break
                length += 1
            if length:  # else two contexts met in the table
                start = place + 1
                follows = tokens[start : start + width].tolist()
                if start + width > size:
                    follows += tokens[: start + width - size].tolist()
                found.append(Recalled(follows, length, age, kinds[start % size] == 1))
        return found

    def in_order(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Tokens, the oldest first, and 1 for each that is in an answer; separators are -1."""
        tokens = np.roll(self._tokens, -self._next)
        is_token = tokens >= 0
        used = int(is_token.argmax()) if is_token.any() else self.size  # the rest is unwritten
        return tokens[used:].astype(np.int64), np.roll(self._kinds, -self._next)[used:]

    def texts(self) -> list[PastText]:
        """All texts, the oldest first; of that the beginning may be lost."""
        return split(*self.in_order())

    def _places(self, context: Sequence[int], limit: int, enough: int) -> Iterable[tuple[int, int]]:
        """Where the context ends and how old it is, the longest contexts first, then the latest."""
        keys = keys_before(context)
        size, newest, shift = self.size, self._next - 1, KEY_BITS - self._bits
        found: dict[int, int] = {}
        for order, heads, links in self._views:
            if order > len(keys):
                continue
            place = heads[keys[order - 1] >> shift] - 1
            last = 0
            while place >= 0 and len(found) < limit:
                age = (newest - place) % size
                if age <= last:  # what the link meant has been overwritten
                    break
                found[place] = last = age
                place = links[place] - 1
            if len(found) >= min(limit, enough):
                break
        return found.items()

    def _link(self, number: int, slots: NDArray[np.int64], rows: NDArray[np.uint64]) -> None:
        """Let each row of a table lead to the last of its places, and each place to its former."""
        order = np.argsort(rows, kind="stable")
        rows, slots = rows[order], slots[order]
        is_first = np.concatenate(([True], rows[1:] != rows[:-1]))
        former = np.concatenate(([0], slots[:-1] + 1))
        self._links[number, slots] = np.where(is_first, self._heads[number, rows], former)
        is_last = np.concatenate((is_first[1:], [True]))
        self._heads[number, rows[is_last]] = slots[is_last] + 1


def split(tokens: NDArray[np.int64], kinds: NDArray[np.uint8]) -> list[PastText]:
    """Texts between separators (negative tokens)."""
    texts = []
    start = 0
    for end in [*np.flatnonzero(tokens < 0).tolist(), len(tokens)]:
        if end > start:
            answer = np.flatnonzero(kinds[start:end])
            answer_start = int(answer[0]) if len(answer) else end - start
            texts.append(
                PastText(token_ids=tuple(tokens[start:end].tolist()), answer_start=answer_start)
            )
        start = end + 1
    return texts
