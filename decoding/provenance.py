"""From the origins of accepted tokens to copied spans. Pure; knows no model.

Nothing is believed: an origin counts only if the reference really holds the token there.
"""

from collections.abc import Iterable

from quoth.decoding.draft import Origin
from quoth.decoding.generation import CopiedSpan, Reference


class CopyTracker:
    """Follows the output token by token and says when a copied span has ended.

    Example: the reference "r" is (5, 6, 7, 8). The model itself says 5, a draft copies 6 7 from
    "r", the model itself says 8 and then 2. The one span is tokens 0 to 4 of the output.
    """

    def __init__(self, references: Iterable[Reference]) -> None:
        self._references = {reference.id: reference.token_ids for reference in references}
        self._output: list[int] = []
        self._free = 0  # no span may begin before this position
        self._open: CopiedSpan | None = None  # its `end` is not set yet

    def push(self, token: int, origin: Origin | None, drafter: str) -> CopiedSpan | None:
        """Add the next output token; returns the span that it ended, if it did."""
        ended = None
        if self._open is not None and not self._goes_on(self._open, token):
            ended = self.close()
        self._output.append(token)
        if self._open is None and origin is not None and self._holds(origin, token):
            self._open = self._begin(origin, drafter)
        return ended

    def close(self) -> CopiedSpan | None:
        """End the span that is open, if one is: the text ends here."""
        if self._open is None:
            return None
        begun = self._open
        self._open = None
        self._free = len(self._output)
        return CopiedSpan(
            start=begun.start,
            end=self._free,
            reference_id=begun.reference_id,
            reference_start=begun.reference_start,
            drafter=begun.drafter,
        )

    def _goes_on(self, span: CopiedSpan, token: int) -> bool:
        source = self._references[span.reference_id]
        position = span.reference_start + len(self._output) - span.start
        return position < len(source) and source[position] == token

    def _holds(self, origin: Origin, token: int) -> bool:
        source = self._references.get(origin.reference_id or "")
        return (
            origin.source == "reference"
            and source is not None
            and 0 <= origin.position < len(source)
            and source[origin.position] == token
        )

    def _begin(self, origin: Origin, drafter: str) -> CopiedSpan:
        """Open a span at the last output token, and reach back as far as the texts are equal."""
        reference_id = origin.reference_id or ""
        source = self._references[reference_id]
        start, position = len(self._output) - 1, origin.position
        while (
            start > self._free and position > 0 and self._output[start - 1] == source[position - 1]
        ):
            start, position = start - 1, position - 1
        return CopiedSpan(
            start=start,
            end=start,
            reference_id=reference_id,
            reference_start=position,
            drafter=drafter,
        )
