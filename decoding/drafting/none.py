"""The drafter that drafts nothing: plain decoding through the same loop."""

from collections.abc import Sequence

from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens


class NoDrafter:
    """Proposes nothing, ever; it is its own session because it remembers nothing."""

    name = "none"

    def start(self, prompt: Sequence[int], references: Sequence[ReferenceTokens]) -> "NoDrafter":  # noqa: ARG002
        """A session for any sequence."""
        return self

    def propose(self, budget: int) -> Draft:  # noqa: ARG002
        """The empty draft."""
        return NO_DRAFT

    def observe(self, outcome: Outcome) -> None:
        """Learn nothing."""
