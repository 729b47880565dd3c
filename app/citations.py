"""Copied spans of tokens become citations of characters, and what was not copied is looked up.

Nothing is shown that was not compared: every citation's text equals its source's text, character by
character. Says "copied from", never "true".
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from quoth.app.spans import Alignment, align, find_verbatim, occurrences
from quoth.decoding import CopiedSpan
from quoth.types import Citation, Location, Origin, SourceKind, SourceSpan, location_between

MAX_OTHERS = 8  # places named beside the one that was copied from
MIN_MATCHED_CHARS = 24  # what was generated word by word must agree for longer to be no accident
MIN_MATCHED_WORDS = 4
MARKER = re.compile(r"\[\d{1,2}\]")  # a passage number, as the prompt asks for it


@dataclass(frozen=True, slots=True, kw_only=True)
class CitableSource:
    """A passage or a turn as citations see it.

    `text` stands at `base` of the whole source `source_id`: a passage in its document, a turn in
    itself (`base` 0). `char_ranges` are those of the reference's tokens.
    """

    reference_id: str  # as the decoder names it: passage id or turn id
    source_id: str  # document id or turn id
    text: str
    base: int
    document: str
    kind: SourceKind
    char_ranges: tuple[tuple[int, int], ...]
    page_at: Callable[[int], int | None]  # of an offset into the whole source
    locations: tuple[Location, ...] = ()  # of the text

    def cite(self, alignment: Alignment, *, origin: Origin) -> Citation:
        """The citation of a run that was found in this source's text."""
        start, source_start, length = alignment
        begin = self.base + source_start
        return Citation(
            start=start,
            end=start + length,
            source_id=self.source_id,
            source_start=begin,
            source_end=begin + length,
            document=self.document,
            page=self.page_at(begin),
            location=location_between(self.locations, begin, begin + length),
            kind=self.kind,
            origin=origin,
        )


class CitationTracker:
    """Follows one answer as it grows, and gives each citation as soon as it is certain.

    Args:
        sources: What may be cited, in the order of rank.
        decode: Token ids to text, as the answer's text was made.
        min_chars: Shorter copies are not cited.
    """

    def __init__(
        self,
        sources: Sequence[CitableSource],
        *,
        decode: Callable[[Sequence[int]], str],
        min_chars: int,
    ) -> None:
        self._sources = list(sources)
        self._by_reference = {source.reference_id: source for source in sources}
        self._decode = decode
        self._min_chars = min_chars
        self._token_ids: list[int] = []
        self._text = ""
        self._waiting: list[CopiedSpan] = []
        self._citations: list[Citation] = []

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._text

    def feed(
        self, token_ids: Sequence[int], text: str, copied: Sequence[CopiedSpan]
    ) -> list[Citation]:
        """Take in one step of the decoder; return the citations that have become certain."""
        self._token_ids += token_ids
        self._text += text
        self._waiting += copied
        ready: list[Citation] = []
        while self._waiting and self._char_at(self._waiting[0].end) < len(self._text):
            ready += self._resolve(self._waiting.pop(0))
        return ready

    def finish(self) -> list[Citation]:
        """The answer has ended: return the last copied citations."""
        ready = [cited for span in self._waiting for cited in self._resolve(span)]
        self._waiting = []
        return ready

    def all_citations(self) -> tuple[Citation, ...]:
        """Copied and matched citations of the finished answer, by start; they do not overlap.

        One may take the place of two that were given before, where its source holds both.
        """
        matched = [
            citation for start, end in self._gaps() for citation in self._matched(start, end)
        ]
        return tuple(sorted([*self._citations, *matched], key=lambda citation: citation.start))

    def _resolve(self, span: CopiedSpan) -> Iterator[Citation]:
        source = self._by_reference[span.reference_id]
        ends = [0, 0, *(citation.end for citation in self._citations)]
        alignment = self._aligned(span, source, floor=ends[-1])
        if alignment[2] < self._min_chars or alignment[0] < ends[-1]:
            return
        citation = self._with_others(source.cite(alignment, origin="copied"))
        yield citation
        whole = self._aligned(span, source, floor=ends[-2])
        if self._citations and whole[0] <= self._citations[-1].start:
            # The words before, copied from elsewhere, stand here too: other tokens, one sentence.
            self._citations.pop()
            citation = self._with_others(source.cite(whole, origin="copied"))
        self._citations.append(citation)

    def _aligned(self, span: CopiedSpan, source: CitableSource, *, floor: int) -> Alignment:
        last = span.reference_start + (span.end - span.start) - 1
        return align(
            self._text,
            source.text,
            at=(self._char_at(span.start), source.char_ranges[span.reference_start][0]),
            source_end=source.char_ranges[last][1],
            floor=floor,
        )

    def _char_at(self, token: int) -> int:
        return len(self._decode(self._token_ids[:token]))

    def _gaps(self) -> Iterator[tuple[int, int]]:
        start = 0
        for citation in self._citations:
            yield start, citation.start
            start = citation.end
        yield start, len(self._text)

    def _matched(self, start: int, end: int) -> Iterator[Citation]:
        found = find_verbatim(
            self._text,
            [source.text for source in self._sources],
            start=start,
            end=end,
            min_chars=max(MIN_MATCHED_CHARS, self._min_chars),
            min_words=MIN_MATCHED_WORDS,
        )
        for number, alignment in found:
            yield self._with_others(self._sources[number].cite(alignment, origin="matched"))

    def _with_others(self, citation: Citation) -> Citation:
        quote = self._text[citation.start : citation.end]
        places = [
            SourceSpan(
                source_id=source.source_id,
                start=source.base + at,
                end=source.base + at + len(quote),
            )
            for source in self._sources
            for at in occurrences(source.text, quote, limit=MAX_OTHERS)
        ]
        others = tuple(dict.fromkeys(place for place in places if place != citation.source))
        return replace(citation, others=others[:MAX_OTHERS])


def covered_share(text: str, citations: Sequence[Citation]) -> float:
    """The share of a text's visible characters that citations cover, passage numbers left out.

    Example: "[1] Ravens fly. Yes." with a citation of "Ravens fly." -> 10 of 14.
    """
    counted = [not char.isspace() for char in text]
    for marker in MARKER.finditer(text):
        counted[marker.start() : marker.end()] = [False] * (marker.end() - marker.start())
    total = sum(counted)
    covered = sum(sum(counted[citation.start : citation.end]) for citation in citations)
    return covered / total if total else 0.0
