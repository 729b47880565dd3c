"""The lookahead drafter: continue as this user's earlier prompts and answers went on.

After Lookahead (Zhao et al., arXiv 2312.12728). Places where the end of the text stood before vote,
heavier the longer they match, the younger they are, and in answers more than in prompts; what
agrees is merged into a tree. The sequence's own text votes too, unless another drafter sees to it.
"""

from collections.abc import Sequence

from quoth.decoding.acceptance import judge
from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft, Origin
from quoth.decoding.drafting.compiled import grow
from quoth.decoding.drafting.lookahead_store import LookaheadStore
from quoth.decoding.drafting.occurrences import OccurrenceIndex
from quoth.decoding.drafting.prepared import PreparedTokens
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens
from quoth.decoding.drafting.survival import Survival
from quoth.decoding.drafting.token_ring import CONTEXT
from quoth.decoding.drafting.votes import Bounds, Node, Voter, as_draft

_MAX_VOTERS = 16
_ENOUGH_VOTERS = 8  # then shorter matches need not be looked for
_WEIGHTS = tuple(6.0 ** min(length, 8) for length in range(CONTEXT + 1))  # by the match's length
_ASKED = 0.5  # weight of a place in a prompt; one in an answer weighs 1
_HALF_AGE = 1 << 18  # tokens after which a place weighs half
_LEAST_SHARE = 0.12  # of the votes; what fewer say is not worth looking at
_WORTH_TAKING = 0.04  # chance: below, no pass is worth the row
_ELSEWHERE = -1  # place of a voter from the store


class LookaheadDrafter:
    """Drafts from the past of one scope, and lets what it decodes become a part of it.

    Args:
        store: The past; None is a past without memory, for the sequence's own text alone.
        config: How much to draft.
        own_text: Whether to draft from the sequence's own prompt and answer, too. The reference
            drafter does that better; beside it, say False.
    """

    name = "lookahead"

    def __init__(
        self,
        store: LookaheadStore | None = None,
        config: DecodingConfig | None = None,
        *,
        own_text: bool = True,
    ) -> None:
        self._store = store
        self._config = config or DecodingConfig()
        self._own_text = own_text
        self._survival = Survival()  # how good the past is for this user's texts, is worth keeping

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002
    ) -> "LookaheadSession":
        """Continue a sequence; references are for others to copy from."""
        own = OccurrenceIndex([], PreparedTokens(prompt)) if self._own_text else None
        survival = Survival() if self._store is None else self._survival
        return LookaheadSession(prompt, own, self._store, survival, self._config)


class LookaheadSession:
    """One sequence. When it is closed, its text goes into the store as far as it came."""

    def __init__(
        self,
        prompt: Sequence[int],
        own: OccurrenceIndex | None,
        store: LookaheadStore | None,
        survival: Survival,
        config: DecodingConfig,
    ) -> None:
        self._config = config
        self._own = own
        self._store = store
        self._prompt_length = len(prompt)
        self._text = list(prompt)
        self._survival = survival
        self._nodes: list[Node] = []
        self._proposed = NO_DRAFT

    def propose(self, budget: int) -> Draft:
        """What followed the end of the text in the past, as far as it is worth its rows."""
        config = self._config
        budget = min(budget, config.max_draft_tokens)
        self._nodes = grow(
            [*self._own_voters(), *self._past_voters(budget)],
            self._survival,
            Bounds(
                nodes=budget,
                threshold=max(config.min_survival, _WORTH_TAKING),
                free=config.min_rows - 1,
                forks=config.forks,
            ),
        )
        self._proposed = as_draft(self._nodes, self._origins)
        return self._proposed

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow, and see how the own draft fared."""
        for number, was_right in judge(self._proposed, outcome.token_ids):
            self._survival.learn(self._nodes[number][3], was_right=was_right)
        self._text += outcome.token_ids
        if self._own is not None:
            self._own.append(outcome.token_ids)
        self._proposed = NO_DRAFT

    def close(self) -> None:
        """Remember prompt and answer, also of a text that was broken off: it was said."""
        if self._store is not None:
            self._store.add(self._text, answer_start=self._prompt_length)
        self._store = None

    def _own_voters(self) -> list[Voter]:
        if self._own is None:
            return []
        tokens = self._own.tokens
        return [
            (_WEIGHTS[length], length, place, tokens, place, len(tokens))
            for place, length in self._own.find(_MAX_VOTERS)
        ]

    def _past_voters(self, width: int) -> list[Voter]:
        if self._store is None:
            return []
        voters: list[Voter] = []
        votes: dict[int, float] = {}
        for follows, length, age, in_answer in self._store.recall(
            self._text[: -CONTEXT - 1 : -1], limit=_MAX_VOTERS, enough=_ENOUGH_VOTERS, width=width
        ):
            weight = _WEIGHTS[length] / (1 + age / _HALF_AGE)
            if not in_answer:
                weight *= _ASKED
            votes[follows[0]] = votes.get(follows[0], 0.0) + weight
            voters.append((weight, length, _ELSEWHERE, follows, 0, len(follows)))
        least = _LEAST_SHARE * sum(votes.values())
        return [voter for voter in voters if votes[voter[3][0]] >= least]

    def _origins(self, places: Sequence[int]) -> tuple[Origin | None, ...]:
        """Known of the own text only: the past is no source that can be shown."""
        return tuple([None if place < 0 else self._origin(place) for place in places])

    def _origin(self, place: int) -> Origin:
        assert self._own is not None
        position = place - self._own.starts[-1]
        if position < self._prompt_length:
            return Origin(source="prompt", position=position)
        return Origin(source="output", position=position - self._prompt_length)
