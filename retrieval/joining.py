"""Neighbouring passages of a document that were both found become one passage.

`text` is the canonical text of the document's version that was searched; what joins is always
`text[start:end]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from quoth.retrieval.chunking import estimate_tokens
from quoth.retrieval.reports import SearchHit
from quoth.types import Location, Passage

_BETWEEN_HEADINGS = " > "


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A hit, and the whole text that its passage is cut from."""

    hit: SearchHit
    text: str


def join_neighbours(found: Sequence[Found], most_tokens: int, k: int) -> list[SearchHit]:
    """The best `k` hits, best first, each with those of the others that join it.

    Passages join that overlap, or touch but for white space, as long as the joined one keeps within
    `most_tokens`, as the chunking counts them. It has the score and the ranks of its best part.
    """
    groups: list[_Group] = []
    for one in found:
        fresh = _Group([one])
        near = [group for group in groups if group.can_absorb(fresh, most_tokens)]
        if near:
            near[0].absorb(fresh)
            for other in near[1:]:  # the new one may have closed the gap between two
                if near[0].can_absorb(other, most_tokens):
                    near[0].absorb(other)
                    groups.remove(other)
        elif len(groups) < k:
            groups.append(fresh)
    return [group.hit() for group in groups]


class _Group:
    """Passages that follow each other in one document, the best one first."""

    def __init__(self, found: list[Found]) -> None:
        self._found = found
        self._text = found[0].text
        self.start = found[0].hit.passage.start
        self.end = found[0].hit.passage.end

    @property
    def document_id(self) -> str:
        return self._found[0].hit.passage.document_id

    def can_absorb(self, other: "_Group", most_tokens: int) -> bool:
        if (self.document_id, self._text) != (other.document_id, other._text):
            return False
        before, after = sorted((self, other), key=lambda group: (group.start, group.end))
        if self._text[before.end : after.start].strip():
            return False
        joined = self._text[before.start : max(before.end, after.end)]
        return estimate_tokens(joined) <= most_tokens

    def absorb(self, other: "_Group") -> None:
        self._found += other._found
        self.start = min(self.start, other.start)
        self.end = max(self.end, other.end)

    def hit(self) -> SearchHit:
        best = self._found[0].hit
        if len(self._found) == 1:
            return best
        parts = sorted((one.hit.passage for one in self._found), key=lambda part: part.start)
        last = max(parts, key=lambda part: part.end)
        passage = replace(
            best.passage,
            id="-".join((parts[0].id, last.id)),
            text=self._text[self.start : self.end],
            start=self.start,
            end=self.end,
            page=parts[0].page,
            end_page=last.end_page,
            heading=_shared_heading(parts),
            locations=_joined_locations(parts),
        )
        return replace(best, passage=passage, duplicates=())


def _shared_heading(parts: Sequence[Passage]) -> str:
    paths = [part.heading.split(_BETWEEN_HEADINGS) for part in parts]
    same = takewhile(lambda titles: len(set(titles)) == 1, zip(*paths, strict=False))
    return _BETWEEN_HEADINGS.join(titles[0] for titles in same)


def _joined_locations(parts: Sequence[Passage]) -> tuple[Location, ...]:
    """Those of all parts, without those that only say where a later part begins."""
    joined: list[Location] = []
    for location in sorted(
        (each for part in parts for each in part.locations), key=lambda each: each.start
    ):
        if not joined or joined[-1].label != location.label:
            joined.append(location)
    return tuple(joined)
