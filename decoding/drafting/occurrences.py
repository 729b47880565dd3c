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

import numpy as np

from quoth.decoding.drafting.compiled import Alike, Places
from quoth.decoding.drafting.matching import Occurrence
from quoth.decoding.token_search import Array

Spellings = Sequence[int] | Array  # by token id, the class of tokens that are spelt alike


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
        self._places = Places(tokens)
        self._alike = None
        if spellings is not None:
            self._alike = Alike(tokens, np.asarray(spellings, dtype=np.int64))
        self._added: defaultdict[int, list[int]] = defaultdict(list)

    def append(self, token_ids: Sequence[int]) -> None:
        """Let the text grow."""
        for place, token in enumerate(token_ids, start=len(self.tokens)):
            self._added[token].append(place)
        self.tokens.extend(token_ids)

    def find(self, limit: int) -> list[Occurrence]:
        """At most `limit` places of the text's end, the longest matches first, then the latest."""
        return self._places.find(self.tokens, self._added, limit)

    def find_alike(self, limit: int) -> list[int]:
        """Where the latest other spellings of the last token go on, at most `limit`."""
        return [] if self._alike is None else self._alike.find(self.tokens, limit)
