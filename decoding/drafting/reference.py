"""The reference drafter: find the end of the text in the sources, and copy what follows.

After LLMA (Yang et al., arXiv 2304.04487), which takes the first match in the references: here all
occurrences vote, in the prompt and the output too, heavier the longer they match, and those that
agree are merged into a small tree. Sources that stand in the prompt word for word are recognised
there, so a copy is traced to the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.acceptance import judge
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft, Origin
from quoth.decoding.drafting.occurrences import OccurrenceIndex, Occurrences
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens
from quoth.decoding.drafting.survival import Survival
from quoth.decoding.drafting.votes import Node, Voter, grow
from quoth.decoding.token_search import as_bytes, find_all

_MAX_VOTERS = 32
_LENGTH_WEIGHT, _LONGEST = 6.0, 8  # a vote weighs 6 ** (length of the match, at most 8)
_ALIKE, _NEIGHBOURS, _SHORT = 1.5, 8, 4  # short matches: per token shared among those just before
_NEAR, _NEARNESS = 5.0, 60  # for going on where the last copy ended, or a little later


@dataclass(frozen=True, slots=True)
class _Twin:
    """A stretch of the prompt that equals a whole reference."""

    start: int
    end: int
    reference_id: str


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
    """The copy sources of one sequence, and what was learned of them."""

    def __init__(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],
        config: DecodingConfig,
    ) -> None:
        self._config = config
        self._twins = _twins(prompt, references)
        told = {twin.reference_id for twin in self._twins}  # once in the prompt is enough
        apart = [reference for reference in references if reference.id not in told]
        self._ids = [reference.id for reference in apart]
        self._index = OccurrenceIndex([reference.token_ids for reference in apart], prompt)
        self._prompt_length = len(prompt)
        self._survival = Survival()
        self._cursor: int | None = None  # where the last copy ended
        self._nodes: list[Node] = []
        self._proposed = NO_DRAFT

    def propose(self, budget: int) -> Draft:
        """Copy what follows the matches, as far as it is worth its rows."""
        config = self._config
        found = self._index.find(_MAX_VOTERS)
        budget = min(budget, config.max_draft_tokens)
        self._nodes = grow(
            self._voters(found, budget),
            self._survival,
            budget=budget,
            threshold=config.min_survival,
            free=config.min_rows - 1,
            forks=config.forks,
        )
        self._proposed = Draft(
            tokens=tuple(node.token for node in self._nodes),
            parents=tuple(node.parent for node in self._nodes),
            origins=tuple(self._origin(node.place) for node in self._nodes),
            chances=tuple(node.chance for node in self._nodes),
        )
        return self._proposed

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow, and see how the own draft fared."""
        for number, was_right in judge(self._proposed, outcome.token_ids):
            node = self._nodes[number]
            self._survival.learn(node.guess, was_right=was_right)
            if was_right:
                self._cursor = node.place + 1
        self._index.append(outcome.token_ids)
        self._proposed = NO_DRAFT

    def _voters(self, found: Occurrences, width: int) -> list[Voter]:
        follows = self._index.following(found.places, width)
        rows = zip(
            follows,
            self._weights(found).tolist(),
            found.lengths.tolist(),
            found.places.tolist(),
            strict=True,
        )
        return [Voter(*row) for row in rows]

    def _weights(self, found: Occurrences) -> NDArray[np.float64]:
        """Votes: longer matches, alike surroundings, and the neighbourhood of the last copy."""
        weights = _LENGTH_WEIGHT ** np.minimum(found.lengths, _LONGEST).astype(np.float64)
        around = self._index.tail[1 : 1 + _NEIGHBOURS]
        alike = (found.before[:, 1 : 1 + _NEIGHBOURS, None] == around).any(axis=2).sum(axis=1)
        is_short = found.lengths < _SHORT
        weights[is_short] *= _ALIKE ** (alike - found.lengths + 1)[is_short].astype(np.float64)
        if self._cursor is not None:
            ahead = found.places - self._cursor
            weights[(ahead >= 0) & (ahead < _NEARNESS)] *= _NEAR
        return weights

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
    """Where references stand in the prompt, whole and token for token, the longest first."""
    haystack = as_bytes(prompt)
    twins = [
        _Twin(start, start + len(reference.token_ids), reference.id)
        for reference in references
        for start in find_all(as_bytes(reference.token_ids), haystack)
    ]
    return sorted(
        twins, key=lambda twin: twin.start - twin.end
    )  # a short one may lie in a long one
