"""From the origins of accepted tokens to copied spans. Pure; knows no model.

Nothing is believed: an origin counts only if the reference really holds the token there. Where the
text stops following the place that was claimed, another place may hold all of it: the words with
which a sentence begins often stand elsewhere too. The span then moves there.
"""

from collections.abc import Iterable
from dataclasses import replace

from quoth.decoding.draft import Origin
from quoth.decoding.generation import CopiedSpan, Reference
from quoth.decoding.token_search import as_bytes, find_all


class CopyTracker:
    """Follows the output token by token and says when a copied span has ended.

    Example: the reference "r" is (5, 6, 7, 8). The model itself says 5, a draft copies 6 7 from
    "r", the model itself says 8 and then 2. The one span is tokens 0 to 4 of the output.
    """

    def __init__(self, references: Iterable[Reference]) -> None:
        self._references = {reference.id: reference.token_ids for reference in references}
        self._searchable: dict[str, bytes] = {}  # made when first needed
        self._output: list[int] = []
        self._free = 0  # no span may begin before this position
        self._open: CopiedSpan | None = None  # its `end` is not set yet

    def push(self, token: int, origin: Origin | None, drafter: str) -> CopiedSpan | None:
        """Add the next output token; returns the span that it ended, if it did."""
        ended = None
        begun = self._open
        self._output.append(token)
        if begun is not None and not self._goes_on(begun, token):
            self._open = self._moved(begun)
            if self._open is None:
                ended = self._closed(begun, len(self._output) - 1)
        if self._open is None and origin is not None and self._holds(origin, token):
            self._open = self._begin(origin, drafter)
        return ended

    def close(self) -> CopiedSpan | None:
        """End the span that is open, if one is: the text ends here."""
        begun, self._open = self._open, None
        return None if begun is None else self._closed(begun, len(self._output))

    def _closed(self, begun: CopiedSpan, end: int) -> CopiedSpan:
        self._free = end
        return replace(begun, end=end)

    def _goes_on(self, span: CopiedSpan, token: int) -> bool:
        """Whether the last output token, `token`, is that of the place."""
        source = self._references[span.reference_id]
        position = span.reference_start + len(self._output) - 1 - span.start
        return position < len(source) and source[position] == token

    def _moved(self, span: CopiedSpan) -> CopiedSpan | None:
        """The same span at a place that holds the last output token too, if there is one."""
        wanted = as_bytes(self._output[span.start :])
        others = (name for name in self._references if name != span.reference_id)
        for reference_id in (span.reference_id, *others):
            place = next(find_all(wanted, self._bytes_of(reference_id)), None)
            if place is not None:
                return self._reaching_back(reference_id, span.start, place, span.drafter)
        return None

    def _bytes_of(self, reference_id: str) -> bytes:
        if reference_id not in self._searchable:
            self._searchable[reference_id] = as_bytes(self._references[reference_id])
        return self._searchable[reference_id]

    def _holds(self, origin: Origin, token: int) -> bool:
        source = self._references.get(origin.reference_id or "")
        return (
            origin.source == "reference"
            and source is not None
            and 0 <= origin.position < len(source)
            and source[origin.position] == token
        )

    def _begin(self, origin: Origin, drafter: str) -> CopiedSpan:
        """Open a span at the last output token."""
        last = len(self._output) - 1
        return self._reaching_back(origin.reference_id or "", last, origin.position, drafter)

    def _reaching_back(
        self, reference_id: str, start: int, position: int, drafter: str
    ) -> CopiedSpan:
        """A span from `start`, and from before it as far as output and reference are equal."""
        source = self._references[reference_id]
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
