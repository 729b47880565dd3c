"""All drafters of a sequence as one: their proposals are merged into one tree under one budget.

A node's chance is what its drafters say, corrected by how such nodes have fared before. The most
promising nodes are taken first, up to the number at which the tokens that the tree promises are
most for what the pass that verifies it costs.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, ROOT, Draft
from quoth.decoding.drafting.agreement import Agreement
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.guard import GuardedSession
from quoth.decoding.drafting.merging import Merger
from quoth.decoding.drafting.protocol import Outcome

_SURE = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A draft to verify, and for each node the name of the drafter that it is credited to."""

    draft: Draft = NO_DRAFT
    makers: tuple[str, ...] = ()


class Mixer:
    """The drafters of one sequence.

    Args:
        sessions: In the order in which guesses that agree are credited.
        config: The most tokens of a draft.
        forks: Whether a draft may fork.
        cost: Of passes.
    """

    def __init__(
        self,
        sessions: Sequence[GuardedSession],
        *,
        config: DecodingConfig,
        forks: bool,
        cost: CostCurve,
    ) -> None:
        self._sessions = sessions
        self._max_tokens = config.max_draft_tokens
        self._forks = forks
        self._cost = cost
        self._agreement = Agreement()
        self._merged = Merger()
        self.needs_predictions = any(session.needs_predictions for session in sessions)

    @property
    def failures(self) -> int:
        """How often a drafter raised, or proposed what cannot be used."""
        return sum(session.failures for session in self._sessions)

    def propose(self, budget: int) -> Proposal:
        """One draft of at most `budget` tokens."""
        if len(self._sessions) == 1:
            only = self._sessions[0].propose(budget)
            draft = self._worth(only if self._forks else only.first_chain())
            return Proposal(draft=draft, makers=(self._sessions[0].name,) * len(draft))
        self._merged = Merger()
        for maker, session in enumerate(self._sessions):
            draft = session.propose(budget)
            self._merged.add(maker, draft)
            if draft.chances and self._is_sure(maker, draft.chances[0]):
                break  # what others could add is not worth asking them
        return self._best(min(budget, self._max_tokens))

    def observe(self, outcome: Outcome) -> None:
        """Tell all drafters what the model said, and learn whom to believe."""
        for session in self._sessions:
            session.observe(outcome)
        if len(self._sessions) > 1:
            for guess, was_right in self._merged.judged(outcome.token_ids):
                self._agreement.learn(guess.makers, guess.depth, guess.told, was_right=was_right)
            self._merged = Merger()

    def close(self) -> None:
        """The text has ended, or is given up."""
        for session in self._sessions:
            session.close()

    def took(self, draft: Draft, seconds: float) -> None:
        """A pass over this draft was run."""
        self._cost.observe(1 + len(draft), seconds, draft.num_paths)

    def _is_sure(self, maker: int, told: float) -> bool:
        """Whether what a drafter says first is all but certain, by how it has fared."""
        return self._agreement.chance(1 << maker, 0, told) >= _SURE

    def _worth(self, draft: Draft) -> Draft:
        """As much of a draft as pays, or of its likeliest chain, if that pays better.

        Left as it is if its drafter does not tell what is likeliest.
        """
        chances = draft.chances
        if not chances or list(chances) != sorted(chances, reverse=True):
            return draft
        worth, rate = self._cost.best_part(chances, draft.parents)
        if not draft.is_chain:
            line = draft.first_line
            chain = [chances[node] for node in line]
            number, chain_rate = self._cost.best_part(chain, range(ROOT, len(line) - 1))
            if chain_rate > rate:
                return draft.only(line[:number])
        return draft.first(worth)

    def _best(self, budget: int) -> Proposal:
        """The likeliest guesses, as many as pay."""
        guesses = self._merged.guesses
        places, chances = self._likeliest(budget)
        node = {place: number for number, place in enumerate(places)} | {ROOT: ROOT}
        whole = Draft(
            tokens=tuple(guesses[place].token for place in places),
            parents=tuple(node[guesses[place].parent] for place in places),
            origins=tuple(guesses[place].origin for place in places),
            chances=tuple(chances),
        )
        draft = self._worth(whole)
        names = (self._sessions[guess.maker].name for guess in self._merged.along(draft))
        return Proposal(draft=draft, makers=tuple(names))

    def _likeliest(self, budget: int) -> tuple[list[int], list[float]]:
        """Guesses, parents first, and the chance of each with all before it, falling."""
        guesses = self._merged.guesses
        waiting: list[tuple[float, int, int]] = []
        order = count()  # of equal chances the first
        places: list[int] = []
        chances: list[float] = []

        def offer(siblings: dict[int, int], alive: float) -> None:
            for place in siblings.values():
                guess = guesses[place]
                chance = alive * self._agreement.chance(guess.makers, guess.depth, guess.told)
                heapq.heappush(waiting, (-chance, next(order), place))

        offer(self._merged.first, 1.0)
        while waiting and len(places) < budget:
            chance, _, place = heapq.heappop(waiting)
            if not self._forks:
                waiting.clear()
            places.append(place)
            chances.append(-chance)
            offer(guesses[place].children, -chance)
        return places, chances
