"""The reference drafter: find the end of the text in the sources, and copy what follows.

After LLMA (Yang et al., arXiv 2304.04487), which takes the first match in the references: here all
occurrences vote, in the prompt and the output too, heavier the longer they match, and those that
agree are merged into a small tree. Sources that stand in the prompt word for word are recognised
there, so a copy is traced to the reference.
"""

from collections.abc import Iterator, Sequence

from quoth.decoding.acceptance import judge
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft, Origin
from quoth.decoding.drafting.common_tokens import CommonTokens
from quoth.decoding.drafting.occurrences import CONTEXT, Occurrence, OccurrenceIndex, Spellings
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens
from quoth.decoding.drafting.sources import CopySources
from quoth.decoding.drafting.survival import Kind, Survival, prior
from quoth.decoding.drafting.votes import Bounds, Node, Voter, as_draft, grow

_MAX_VOTERS = 16
_WEIGHTS = [6.0 ** min(length, 8) for length in range(CONTEXT + 1)]  # by length of the match
_NEIGHBOURS, _SHORT = 8, 4  # short matches weigh more per token shared among those just before
_ALIKE = {shared: 1.5**shared for shared in range(-_SHORT, _NEIGHBOURS + 2)}
_NEAR, _NEARNESS = 5.0, 60  # for going on where the last copy ended, or a little later
_MAX_ALIKE = 8
_LAPSE = 3  # tokens that the model may put in the place of copied ones


class ReferenceDrafter:
    """Copies from references, prompt and output. One drafter serves any number of sequences."""

    name = "reference"

    def __init__(
        self, config: DecodingConfig | None = None, *, spellings: Spellings | None = None
    ) -> None:
        self._config = config or DecodingConfig()
        self._spellings = spellings

    def start(
        self, prompt: Sequence[int], references: Sequence[ReferenceTokens]
    ) -> "ReferenceSession":
        """Index the sources of one sequence."""
        return ReferenceSession(prompt, references, self._config, self._spellings)


class ReferenceSession:
    """The copy sources of one sequence, and what was learned of them."""

    def __init__(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],
        config: DecodingConfig,
        spellings: Spellings | None,
    ) -> None:
        self._config = config
        self._sources = CopySources(prompt, references)
        self._index = OccurrenceIndex(self._sources.apart, prompt, spellings)
        self._common = CommonTokens(self._index.tokens)
        self._survival = Survival()
        self._cursor: int | None = None  # where the last copy ended
        self._since = 0  # tokens said since then
        self._nodes: list[Node] = []
        self._proposed = NO_DRAFT

    def propose(self, budget: int) -> Draft:
        """Copy what follows the matches, as far as it is worth its rows."""
        config = self._config
        budget = min(budget, config.max_draft_tokens)
        self._nodes = nodes = grow(
            self._voters(self._index.find(_MAX_VOTERS), budget),
            self._survival,
            Bounds(
                nodes=budget,
                threshold=config.min_survival,
                free=config.min_rows - 1,
                forks=config.forks,
            ),
            fallbacks=self._fallbacks(budget),
        )
        self._proposed = as_draft(nodes, self._origin)
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
        depth, grounds = 0, int(Kind.COMMON)
        judged = list(judge(self._proposed, token_ids))
        for number, was_right in judged:
            if was_right:
                node = self._nodes[number]
                depth += 1
                if depth == 1:
                    grounds = node.guess.kind
                if node.place >= 0:
                    self._cursor = node.place + 1
                    self._since = len(token_ids) - depth
        for number, was_right in judged:
            node = self._nodes[number]
            if node.guess.kind <= grounds:  # a fallback counts where nothing better was right
                self._survival.learn(node.guess, was_right=was_right)
                if node.place >= 0:
                    expected = prior(node.guess)
                    self._sources.learn(node.place, expected, was_right=was_right)

    def _voters(self, found: Sequence[Occurrence], width: int) -> list[Voter]:
        """Votes: longer matches, alike surroundings, and the neighbourhood of the last copy."""
        tokens, cursor = self._index.tokens, self._cursor
        around = frozenset(tokens[-1 - _NEIGHBOURS : -1])
        near = range(0) if cursor is None else range(cursor, cursor + _NEARNESS)
        voters = []
        for place, length in found:
            weight = _WEIGHTS[length]
            if length < _SHORT:
                neighbours = tokens[max(0, place - 1 - _NEIGHBOURS) : place - 1]
                weight *= _ALIKE[sum(map(around.__contains__, neighbours)) - length + 1]
            if place in near:
                weight *= _NEAR
            weight *= self._sources.weight(place)
            voters.append(Voter(tokens[place : place + width], weight, length, place))
        return voters

    def _fallbacks(self, width: int) -> Iterator[tuple[int, list[Voter]]]:
        """What may come where no place of the text's end goes on as the text does."""
        tokens = self._index.tokens
        alike = self._index.find_alike(_MAX_ALIKE)
        yield (
            Kind.ALIKE,
            [Voter(tokens[place : place + width], 1.0, 1, place) for place in alike],
        )
        yield Kind.RESUMED, self._resumed(width)
        common = self._common.most()
        yield Kind.COMMON, [Voter((token,), share, 0, -1) for token, share in common]

    def _resumed(self, width: int) -> list[Voter]:
        """The last copy, as if the words said since stood in the place of as many of its own."""
        if self._cursor is None or not 1 <= self._since <= _LAPSE:
            return []
        place = self._cursor + self._since
        follows = self._index.tokens[self._cursor : place + width]
        if any(token < 0 for token in follows[: self._since]):
            return []
        return [Voter(follows[self._since :], 1.0, self._since, place)]

    def _origin(self, place: int) -> Origin | None:
        return None if place < 0 else self._sources.origin(place)
