"""The fence around drafters: whatever they do, the loop gets a usable draft or none.

A drafter that raises is left out for the rest of the sequence; one that proposes nonsense, after a
few tries. Each failure is counted, the first one of each drafter is logged.
"""

import logging
from collections.abc import Sequence

from quoth.decoding.draft import NO_DRAFT, ROOT, Draft, Origin
from quoth.decoding.drafting.protocol import Drafter, DraftSession, Outcome, ReferenceTokens

logger = logging.getLogger(__name__)

_MAX_BAD_DRAFTS = 3
_ORIGINS = {Origin, type(None)}


class GuardedSession:
    """One drafter's session that never raises (`KeyboardInterrupt` and the like excepted)."""

    def __init__(
        self,
        drafter: Drafter,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],
        *,
        vocabulary_size: int,
    ) -> None:
        self.name = type(drafter).__name__
        self.failures = 0
        self._bad_drafts = 0
        self._vocabulary_size = vocabulary_size
        self._session: DraftSession | None = None
        self.needs_predictions = False
        try:
            self.name = str(getattr(drafter, "name", self.name))
            self.needs_predictions = bool(getattr(drafter, "needs_predictions", False))
            self._session = drafter.start(prompt, references)
        except Exception:  # noqa: BLE001 - whatever a drafter does, the answer goes on
            self._fail("raised when it was started")

    def propose(self, budget: int) -> Draft:
        """The drafter's proposal, checked; the empty draft if there is none that can be used."""
        if self._session is None or budget < 1:
            return NO_DRAFT
        try:
            draft = self._session.propose(budget)
            problem = _problem(draft, budget, self._vocabulary_size)
        except Exception:  # noqa: BLE001 - whatever a drafter does, the answer goes on
            self._fail("raised when it was asked for a draft")
            return NO_DRAFT
        if problem is None:
            return draft
        self._bad_drafts += 1
        self._count(problem)
        if self._bad_drafts >= _MAX_BAD_DRAFTS:
            self._session = None
        return NO_DRAFT

    def observe(self, outcome: Outcome) -> None:
        """Tell the drafter what the model said."""
        if self._session is None:
            return
        try:
            self._session.observe(outcome)
        except Exception:  # noqa: BLE001 - whatever a drafter does, the answer goes on
            self._fail("raised when it was told what the model said")

    def close(self) -> None:
        """Tell the drafter, if it wants to know, that the text has ended or is given up."""
        session, self._session = self._session, None
        try:
            close = getattr(session, "close", None)
            if close is not None:
                close()
        except Exception:  # noqa: BLE001 - whatever a drafter does, the answer goes on
            self._fail("raised when it was closed")

    def _fail(self, what: str) -> None:
        self._session = None
        self._count(what, with_traceback=True)

    def _count(self, what: str, *, with_traceback: bool = False) -> None:
        self.failures += 1
        if self.failures == 1:
            logger.warning(
                "The drafter %r %s; decoding goes on without its help.",
                self.name,
                what,
                exc_info=with_traceback,
            )


def _problem(draft: Draft, budget: int, vocabulary_size: int) -> str | None:
    """Why the draft cannot be used; None if it can."""
    if type(draft) is not Draft:
        return f"returned a {type(draft).__name__} for a draft"
    parts = (draft.tokens, draft.parents, draft.origins, draft.chances)
    if {*map(type, parts)} != {tuple}:
        return "returned a draft whose parts are no tuples"
    if len(draft) > budget:
        return f"drafted {len(draft)} tokens on a budget of {budget}"
    if not len(draft.parents) == len(draft.origins) == len(draft.chances or draft) == len(draft):
        return "returned an uneven draft"
    if _are_usable(draft, vocabulary_size):
        return None
    nodes = zip(draft.tokens, draft.parents, draft.origins, strict=True)
    problems = (_node_problem(index, *node, vocabulary_size) for index, node in enumerate(nodes))
    return next((each for each in problems if each), "returned a chance that is no probability")


def _are_chances(chances: tuple[float, ...]) -> bool:
    return not chances or (
        {*map(type, chances)} == {float}
        and min(chances) >= 0
        and max(chances) <= 1
        and sum(chances) >= 0  # not so with a NaN, which is neither the least nor the greatest
    )


def _are_usable(draft: Draft, vocabulary_size: int) -> bool:
    """Whether nothing is wrong with any node: the usual case, told in little time.

    `Draft` has seen to parents that stand before their children, `Origin` to its own fields.
    """
    tokens, parents = draft.tokens, draft.parents
    return not tokens or (
        _are_chances(draft.chances)
        and {*map(type, tokens), *map(type, parents)} == {int}
        and min(tokens) >= 0
        and max(tokens) < vocabulary_size
        and {*map(type, draft.origins)} <= _ORIGINS
    )


def _node_problem(
    node: int, token: int, parent: int, origin: Origin | None, vocabulary_size: int
) -> str | None:
    if type(token) is not int or not 0 <= token < vocabulary_size:
        return f"drafted {token!r}, which is no token id"
    if type(parent) is not int or not ROOT <= parent < node:
        return f"drafted a token with the parent {parent!r}, which is no node before it"
    if type(origin) not in _ORIGINS:
        return f"drafted a token from {origin!r}, which is no origin"
    return None
