"""The reference drafter: find the end of the text in the sources, and copy what follows.

After LLMA (Yang et al., arXiv 2304.04487), which takes the first match in the references: here all
occurrences vote, in the prompt and the output too, heavier the longer they match, and those that
agree are merged into a small tree. Sources that stand in the prompt word for word are recognised
there, so a copy is traced to the reference.
"""

import logging
from collections.abc import Sequence
from functools import cache, partial

from quoth.decoding.acceptance import judge
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.drafting.common_tokens import CommonTokens
from quoth.decoding.drafting.compiled import IS_COMPILED, grow, weigh
from quoth.decoding.drafting.occurrences import OccurrenceIndex
from quoth.decoding.drafting.prepared import PreparedSources
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens
from quoth.decoding.drafting.sources import CopySources, NamedSource
from quoth.decoding.drafting.survival import Kind, Survival, known
from quoth.decoding.drafting.votes import Bounds, Fallback, Node, Voter, as_draft

logger = logging.getLogger(__name__)

_MAX_VOTERS = 16
_MAX_ALIKE = 8
_LAPSE = 3  # tokens that the model may put in the place of copied ones
_BEST_ALIKE = known(1, 1.0, _MAX_ALIKE, 0, Kind.ALIKE)
_BEST_RESUMED = [known(since, 1.0, 1, 0, Kind.RESUMED) for since in range(1, _LAPSE + 1)]
_BEST_COMMON = known(1, 1.0, 1, 0, Kind.COMMON)


@cache
def _say_that_it_is_slow() -> None:
    """Once in a process."""
    logger.info(
        "Drafting runs in Python, in two to three times the time: there was no C++ compiler when "
        "Quoth was installed."
    )


class ReferenceDrafter:
    """Copies from references, prompt and output. One drafter serves any number of sequences.

    Args:
        config: How to draft.
        prepared: Keeps what is made of references for the sequences to come; drafters of the same
            vocabulary may share it. None: this drafter has its own, which knows no spellings.
    """

    name = "reference"

    def __init__(
        self, config: DecodingConfig | None = None, *, prepared: PreparedSources | None = None
    ) -> None:
        self._config = config or DecodingConfig()
        self._prepared = prepared or PreparedSources()
        if not IS_COMPILED:
            _say_that_it_is_slow()

    def start(
        self, prompt: Sequence[int], references: Sequence[ReferenceTokens]
    ) -> "ReferenceSession":
        """Index the sources of one sequence."""
        return ReferenceSession(prompt, references, self._config, self._prepared)


class ReferenceSession:
    """The copy sources of one sequence, and what was learned of them."""

    def __init__(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],
        config: DecodingConfig,
        prepared: PreparedSources,
    ) -> None:
        self._config = config
        named = [NamedSource(each.id, prepared.source(each.token_ids)) for each in references]
        self._sources = CopySources(prompt, named)
        text = prepared.text(prompt)
        self._index = OccurrenceIndex(self._sources.apart, text, prepared.spellings)
        self._common = CommonTokens([*self._sources.apart, text])
        self._survival = Survival()
        self._cursor: int | None = None  # where the last copy ended
        self._since = 0  # tokens said since then
        self._nodes: list[Node] = []
        self._proposed = NO_DRAFT

    def propose(self, budget: int) -> Draft:
        """Copy what follows the matches, as far as it is worth its rows."""
        config = self._config
        budget = min(budget, config.max_draft_tokens)
        self._nodes = grow(
            weigh(
                self._index.find(_MAX_VOTERS),
                self._index.tokens,
                -1 if self._cursor is None else self._cursor,
                self._sources.weights,
            ),
            self._survival,
            Bounds(
                nodes=budget,
                threshold=config.min_survival,
                free=config.min_rows - 1,
                forks=config.forks,
            ),
            fallbacks=self._fallbacks(),
        )
        self._proposed = as_draft(self._nodes, self._sources.origins)
        return self._proposed

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow, and see how the own draft fared."""
        self._since += len(outcome.token_ids)
        self._learn(outcome.token_ids)
        self._index.append(outcome.token_ids)
        self._common.add(outcome.token_ids)
        self._proposed = NO_DRAFT

    def _learn(self, token_ids: Sequence[int]) -> None:
        """See how the own draft fared."""
        nodes = self._nodes
        depth, grounds = 0, int(Kind.COMMON)
        judged = judge(self._proposed, token_ids)
        for number, was_right in judged:
            if was_right:
                _, _, place, guess, _ = nodes[number]
                depth += 1
                if depth == 1:
                    grounds = guess[2]
                if place >= 0:
                    self._cursor = place + 1
                    self._since = len(token_ids) - depth
        for number, was_right in judged:
            _, _, place, guess, _ = nodes[number]
            prior, _, kind = guess
            if kind <= grounds:  # a fallback counts where nothing better was right
                self._survival.learn(guess, was_right=was_right)
                if place >= 0:
                    self._sources.learn(place, prior, was_right=was_right)

    def _fallbacks(self) -> list[Fallback]:
        """What may come where no place of the text's end goes on as the text does."""
        resumed = (
            []
            if self._cursor is None or not 1 <= self._since <= _LAPSE
            else [
                (_BEST_RESUMED[self._since - 1], partial(self._resumed, self._cursor, self._since))
            ]
        )
        return [(_BEST_ALIKE, self._alike), *resumed, (_BEST_COMMON, self._commonest)]

    def _alike(self) -> list[Voter]:
        """Where the last token stands in another spelling."""
        tokens, end_of = self._index.tokens, self._sources.end_of
        return [
            (1.0, 1, place, tokens, place, end_of(place - 1))
            for place in self._index.find_alike(_MAX_ALIKE)
        ]

    def _resumed(self, cursor: int, since: int) -> list[Voter]:
        """The last copy, as if the words said since stood in the place of as many of its own."""
        tokens = self._index.tokens
        if min(tokens[cursor : cursor + since], default=0) < 0:
            return []
        place, end = cursor + since, self._sources.end_of(cursor - 1)
        return [(1.0, since, place, tokens, place, end)] if place < end else []

    def _commonest(self) -> list[Voter]:
        return [(share, 0, -1, (token,), 0, 1) for token, share in self._common.most()]
