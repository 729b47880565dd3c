"""LLMA as published with its code (Yang et al., arXiv 2304.04487; microsoft/LMOps).

Only the retrieved documents are copy sources, each cut to 768 tokens; only generated tokens are
looked up, the last five down to the last one; the first occurrence in the first document that has
it is copied. A verification has k = 20 positions, so a draft has at most 19 tokens.
"""

from collections.abc import Sequence

from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens


class LLMA:
    """Copies from the first place in the documents."""

    name = "llma"

    def __init__(self, *, k: int = 20, max_match: int = 5, max_document: int = 768) -> None:
        self._k = k
        self._max_match = max_match
        self._max_document = max_document

    def start(
        self,
        prompt: Sequence[int],  # noqa: ARG002
        references: Sequence[ReferenceTokens],
    ) -> "LLMASession":
        """Index the documents; the prompt around them is no source."""
        documents = [tuple(reference.token_ids[: self._max_document]) for reference in references]
        return LLMASession(documents, copies=self._k - 1, max_match=self._max_match)


class LLMASession:
    """First places of all short runs of tokens, and the output so far."""

    def __init__(
        self, documents: Sequence[tuple[int, ...]], *, copies: int, max_match: int
    ) -> None:
        self._copies = copies
        self._max_match = max_match
        self._output: list[int] = []
        self._after: dict[tuple[int, ...], tuple[tuple[int, ...], int]] = {}
        for document in documents:
            for length in range(1, max_match + 1):
                for start in range(len(document) - length + 1):
                    end = start + length
                    self._after.setdefault(document[start:end], (document, end))

    def propose(self, budget: int) -> Draft:
        """Copy what follows the first place of the longest match."""
        for length in range(min(self._max_match, len(self._output)), 0, -1):
            place = self._after.get(tuple(self._output[-length:]))
            if place is not None:
                document, start = place
                return Draft.chain(document[start : start + min(self._copies, budget)])
        return NO_DRAFT

    def observe(self, outcome: Outcome) -> None:
        """Let the output grow."""
        self._output += outcome.token_ids
