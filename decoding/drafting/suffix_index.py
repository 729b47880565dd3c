"""Where the end of a text has occurred before, in the text itself and in other sources.

All sources and the growing text lie in one array, each behind a separator that equals no token.
Places of a token are found by binary search in an index that is sorted once (and by one scan of the
part that was added since), then narrowed one token at a time to the left. Knows token ids only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The longest end of the text that occurs elsewhere.

    `length` counts tokens, up to the limit asked for; `places` are where each occurrence *goes on*,
    as positions of the array, ascending.
    """

    length: int
    places: Places


class SuffixIndex:
    """Sources first, in the order given, then the text, which can grow.

    Example: the sources are [5, 6, 7] and [6, 8]; the text is [9, 5, 6]. The array is
    | 5 6 7 | 6 8 | 9 5 6, where "|" is a separator. The longest match of the text's end is "5 6",
    and its one place is position 3, where 7 stands.
    """

    def __init__(self, sources: Sequence[Sequence[int]], text: Sequence[int]) -> None:
        parts: list[Sequence[int]] = []
        self.starts: list[int] = []  # where each source begins, and last the text
        length = 0
        for number, part in enumerate([*sources, text]):
            parts += [(-1 - number,), part]
            self.starts.append(length + 1)
            length += 1 + len(part)
        self._tokens = np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])
        self._length = self._indexed = length
        self._order = np.argsort(self._tokens, kind="stable")
        self._sorted = self._tokens[self._order]

    def __len__(self) -> int:
        return self._length

    def append(self, token_ids: Sequence[int]) -> None:
        """Let the text grow."""
        end = self._length + len(token_ids)
        if end > len(self._tokens):
            grown = np.empty(max(end, 2 * len(self._tokens)), dtype=np.int64)
            grown[: self._length] = self._tokens[: self._length]
            self._tokens = grown
        self._tokens[self._length : end] = token_ids
        self._length = end

    def tokens(self, start: int, end: int) -> list[int]:
        """The array's tokens from `start` to `end`, cut at the next separator and at its end."""
        found: list[int] = self._tokens[start : min(end, self._length)].tolist()
        for index, token in enumerate(found):
            if token < 0:
                return found[:index]
        return found

    def source_at(self, place: int) -> int:
        """Which source `place` lies in; the number of sources stands for the text."""
        return int(np.searchsorted(self.starts, place, side="right")) - 1

    def longest(self, limit: int) -> Match:
        """The longest match of the text's end, and all its places; length 0 if there is none."""
        end = self._length - 1  # position of the last token
        places = self._occurrences(int(self._tokens[end]), end)
        length = min(1, len(places))
        while 0 < length < limit:
            wanted = self._tokens[end - length]
            longer = places[self._tokens[places - length] == wanted] if wanted >= 0 else places[:0]
            if not len(longer):
                break
            places, length = longer, length + 1
        return Match(length=length, places=places + 1)

    def _occurrences(self, token: int, end: int) -> Places:
        """Where `token` stands before `end`, ascending."""
        first, last = np.searchsorted(self._sorted, (token, token + 1))
        early = self._order[first:last]
        late = np.flatnonzero(self._tokens[self._indexed : end] == token) + self._indexed
        return np.concatenate((early[early < end], late))
