"""Where the end of a text has occurred before, in the text itself and in other sources.

All sources and the growing text lie in one list, each behind a separator that equals no token. The
places of the last one, two and three tokens are ranges of one sorted order, merged from those of
the sources, which are made once, and found by one binary search; what was added since is looked up
in a dictionary. A suffix automaton would find the longest match sooner in theory, but it merges
places: to let occurrences vote, and to say of each copied token where it came from, the places
themselves are needed. Knows token ids only.
"""

from collections import defaultdict
from collections.abc import Sequence

from quoth.decoding.drafting.compiled import Alike, Places
from quoth.decoding.drafting.matching import Occurrence, SortedClasses, SortedPlaces
from quoth.decoding.drafting.prepared import PreparedTokens
from quoth.decoding.token_search import Array


class OccurrenceIndex:
    """Sources first, in the order given, then the text, which can grow.

    Example: the sources are [5, 6, 7] and [6, 8]; the text is [9, 5, 6]. The list is
    | 5 6 7 | 6 8 | 9 5 6, where "|" is a separator. "6" goes on at position 3 after two equal
    tokens ("5 6"), and at position 6 after one.

    Args:
        sources: Prepared, all with the same spellings.
        text: As it is now.
        spellings: By token id, the class of tokens that are spelt alike, [V]; see `find_alike`.
    """

    def __init__(
        self,
        sources: Sequence[PreparedTokens],
        text: PreparedTokens,
        spellings: Array | None = None,
    ) -> None:
        self.tokens: list[int] = []
        self.starts: list[int] = []  # where each source begins, and last the text
        parts = [*sources, text]
        for number, part in enumerate(parts):
            self.tokens.append(-1 - number)
            self.starts.append(len(self.tokens))
            self.tokens.extend(part.token_ids)
        offsets = [start - 1 for start in self.starts]
        self._places = Places(SortedPlaces.merged([part.places for part in parts], offsets))
        self._alike = None
        if spellings is not None:
            classes = SortedClasses.merged([part.classes for part in parts], offsets)
            self._alike = Alike(classes, spellings)
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
