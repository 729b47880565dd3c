"""The reference drafter: find the end of the text in the sources, and copy what follows.

After LLMA (Yang et al., arXiv 2304.04487), but the longest match wins and not the first one, the
prompt and the output so far are sources too, and the draft's length follows its success. Sources
that stand in the prompt word for word are recognised there, so a copy is traced to the reference
even if the prompt gave the longer match.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft, Origin
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens
from quoth.decoding.drafting.suffix_index import Match, SuffixIndex


@dataclass(frozen=True, slots=True)
class _Twin:
    """A stretch of the prompt that equals a whole reference."""

    start: int
    end: int
    reference_id: str


class DraftLength:
    """How many tokens the next draft should have, from how the last ones fared.

    Grows twofold after a draft that was accepted whole, falls back to what was accepted after a
    reject, and never trusts a short match far. A forward pass has `min_rows` rows anyway, so a few
    tokens cost nothing: they are all that is drafted while drafting pauses, after several drafts of
    which nothing was accepted.
    """

    def __init__(self, config: DecodingConfig) -> None:
        self._config = config
        self._length = min(config.first_draft_tokens, config.max_draft_tokens)
        self._free = min(config.min_rows - 1, config.max_draft_tokens)
        self._rejects = 0
        self._pause = 0
        self._next_pause = 1

    def next(self, match_length: int) -> int:
        """Tokens to draft after a match of `match_length` tokens."""
        if self._pause:
            self._pause -= 1
            return self._free
        return max(self._free, min(self._length, 2 * match_length + 1))

    def learn(self, drafted: int, accepted: int) -> None:
        """A draft was verified."""
        config = self._config
        if accepted:
            self._rejects, self._next_pause = 0, 1
        if accepted == drafted:
            self._length = min(2 * max(self._length, 1), config.max_draft_tokens)
            return
        self._length = min(max(accepted + 1, config.first_draft_tokens // 2), self._length)
        if not accepted:
            self._rejects += 1
            if self._rejects >= config.rejects_before_pause:
                self._pause = min(self._next_pause, config.max_pause)
                self._next_pause *= 2


class ReferenceDrafter:
    """Copies from references, prompt and output. One drafter serves any number of sequences."""

    name = "reference"

    def __init__(self, config: DecodingConfig | None = None) -> None:
        self._config = config or DecodingConfig()

    def start(
        self, prompt: Sequence[int], references: Sequence[ReferenceTokens]
    ) -> "ReferenceSession":
        """Index the sources of one sequence."""
        return ReferenceSession(prompt, references, self._config)


class ReferenceSession:
    """The copy sources of one sequence, and the copy in progress."""

    def __init__(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],
        config: DecodingConfig,
    ) -> None:
        self._config = config
        self._ids = [reference.id for reference in references]
        self._index = SuffixIndex([reference.token_ids for reference in references], prompt)
        self._prompt_length = len(prompt)
        self._twins = _twins(prompt, references)
        self._length = DraftLength(config)
        self._cursor: int | None = None  # where the copy in progress goes on
        self._proposed = NO_DRAFT
        self._place = 0  # where the proposed draft was copied from

    def propose(self, budget: int) -> Draft:
        """Copy what follows the longest match, as far as it has been worth it lately."""
        self._proposed = NO_DRAFT
        match = self._index.longest(self._config.max_match)
        place = self._best(match)
        if place is None:
            return NO_DRAFT
        wanted = min(self._length.next(match.length), budget)
        tokens = self._index.tokens(place, place + wanted)
        if tokens:
            origins = [self._origin(place + offset) for offset in range(len(tokens))]
            self._proposed, self._place = Draft.chain(tokens, origins), place
        return self._proposed

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow, and see how the own draft fared."""
        if len(self._proposed) and outcome.draft is self._proposed:
            accepted = len(outcome.accepted)
            self._length.learn(len(self._proposed), accepted)
            self._cursor = self._place
        self._index.append(outcome.token_ids)
        self._advance(outcome.token_ids)
        self._proposed = NO_DRAFT

    def _advance(self, token_ids: Sequence[int]) -> None:
        """Move the copy in progress along, for as long as the text goes on as its source does."""
        if self._cursor is None:
            return
        end = self._cursor + len(token_ids)
        follows = self._index.tokens(self._cursor, end) == list(token_ids)
        self._cursor = end if follows else None

    def _best(self, match: Match) -> int | None:
        """Of equal matches the copy in progress; then references in order; then the latest."""
        config, places = self._config, match.places
        text_start = self._index.starts[-1]
        if match.length < config.min_match:
            places = places[: np.searchsorted(places, text_start)]
        if match.length < config.min_reference_match or not len(places):
            return None
        if self._cursor is not None and self._cursor in places:
            return self._cursor
        return int(places[0]) if places[0] < text_start else int(places[-1])

    def _origin(self, place: int) -> Origin:
        source = self._index.source_at(place)
        position = place - self._index.starts[source]
        if source < len(self._ids):
            return Origin(source="reference", position=position, reference_id=self._ids[source])
        if position >= self._prompt_length:
            return Origin(source="output", position=position - self._prompt_length)
        for twin in self._twins:
            if twin.start <= position < twin.end:
                offset = position - twin.start
                return Origin(source="reference", position=offset, reference_id=twin.reference_id)
        return Origin(source="prompt", position=position)


def _twins(prompt: Sequence[int], references: Sequence[ReferenceTokens]) -> list[_Twin]:
    """Where references stand in the prompt, whole and token for token."""
    width = np.dtype(np.int64).itemsize
    haystack = np.asarray(prompt, dtype=np.int64).tobytes()
    twins = []
    for reference in references:
        needle = np.asarray(reference.token_ids, dtype=np.int64).tobytes()
        at = haystack.find(needle) if needle else -1
        while at >= 0:
            if at % width == 0:
                start = at // width
                twins.append(_Twin(start, start + len(reference.token_ids), reference.id))
            at = haystack.find(needle, at + 1)
    return twins
