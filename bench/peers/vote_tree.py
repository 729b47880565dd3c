"""A plain vote-weighted tree: the simplest drafter that lets all occurrences speak.

Every earlier occurrence of the last token, in prompt and output, votes for what follows it there,
with the weight 6 ** (length of the match, at most 8). A node's probability is its parent's times
its share of the parent's votes; the seven likeliest nodes of at least 0.05 are drafted.
"""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from quoth.decoding.draft import ROOT, Draft
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens

_Voters = list[tuple[int, float]]  # the place that each votes for, and its weight


class VoteTree:
    """All occurrences vote; the likeliest nodes are drafted."""

    name = "vote-tree"

    def __init__(
        self,
        *,
        nodes: int = 7,
        lowest: float = 0.05,
        weight: float = 6.0,
        longest: int = 8,
    ) -> None:
        self.nodes = nodes
        self.lowest = lowest
        self.weight = weight
        self.longest = longest

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002
    ) -> "VoteTreeSession":
        """References vote only where they stand in the prompt."""
        return VoteTreeSession(self, prompt)


class VoteTreeSession:
    """The text so far, and where each token stands in it."""

    def __init__(self, settings: VoteTree, prompt: Sequence[int]) -> None:
        self._settings = settings
        self._text: list[int] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        self._grow(prompt)

    def propose(self, budget: int) -> Draft:
        """The likeliest nodes, best first."""
        waiting: list[tuple[float, int, int, int, _Voters]] = []
        order = count()
        tokens: list[int] = []
        parents: list[int] = []

        def offer(parent: int, voters: _Voters, probability: float) -> None:
            total = sum(weight for _, weight in voters)
            for token, followers in self._split(voters).items():
                share = probability * sum(weight for _, weight in followers) / total
                if share >= self._settings.lowest:
                    heapq.heappush(waiting, (-share, next(order), parent, token, followers))

        offer(ROOT, self._voters(), 1.0)
        while waiting and len(tokens) < min(self._settings.nodes, budget):
            negative, _, parent, token, followers = heapq.heappop(waiting)
            tokens.append(token)
            parents.append(parent)
            offer(len(tokens) - 1, followers, -negative)
        return Draft(tokens=tuple(tokens), parents=tuple(parents), origins=(None,) * len(tokens))

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow."""
        self._grow(outcome.token_ids)

    def _grow(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._places[token].append(len(self._text))
            self._text.append(token)

    def _voters(self) -> _Voters:
        text, last = self._text, len(self._text) - 1
        voters = []
        for place in self._places[text[last]][:-1]:
            match = 1
            while (
                match < min(self._settings.longest, place + 1)
                and text[place - match] == text[last - match]
            ):
                match += 1
            voters.append((place + 1, self._settings.weight**match))
        return voters

    def _split(self, voters: _Voters) -> dict[int, _Voters]:
        """Voters by the token they vote for; those at the end of the text have none."""
        by_token: dict[int, _Voters] = {}
        for place, weight in voters:
            if place < len(self._text):
                by_token.setdefault(self._text[place], []).append((place + 1, weight))
        return by_token
