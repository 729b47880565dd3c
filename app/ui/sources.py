"""Which sources an answer draws on: their numbers, their colours, and what was not used."""

from collections.abc import Sequence
from dataclasses import dataclass

from quoth.app.events import ScoredPassage
from quoth.app.ui.exchanges import Exchange, Quote
from quoth.app.ui.palette import TURN_CLASS, colour_class
from quoth.types import Citation, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One line of the legend."""

    label: str  # the passage's number in the prompt, or a letter for what is no passage of it
    colour: str  # CSS class
    name: str
    location: str  # empty: not known
    kind: SourceKind


def visible_quotes(exchange: Exchange) -> list[tuple[int, Quote]]:
    """The quotes that can be drawn on the text so far, with their index: in order, no overlaps."""
    shown: list[tuple[int, Quote]] = []
    at = 0
    for index, quote in enumerate(exchange.quotes):
        citation = quote.citation
        if at <= citation.start < citation.end <= len(exchange.text):
            shown.append((index, quote))
            at = citation.end
    return shown


def passage_of(citation: Citation, passages: Sequence[ScoredPassage]) -> ScoredPassage | None:
    """The passage of the prompt that holds the cited range, else one that shares a character."""
    same = [
        one
        for one in passages
        if citation.kind == "document" and one.passage.document_id == citation.source_id
    ]
    start, end = citation.source_start, citation.source_end
    for one in same:
        if one.passage.start <= start and end <= one.passage.end:
            return one
    return next((one for one in same if one.passage.start < end and start < one.passage.end), None)


def sources(exchange: Exchange) -> list[Source]:
    """One source for each quote of the exchange, in the order of `exchange.quotes`.

    Quotes of the same passage share one source; what lies outside of all passages (an earlier turn)
    gets letters, in the order of the answer.
    """
    letters: dict[str, str] = {}
    return [_source(quote.citation, exchange.passages, letters) for quote in exchange.quotes]


def _source(
    citation: Citation, passages: Sequence[ScoredPassage], letters: dict[str, str]
) -> Source:
    scored = passage_of(citation, passages)
    if scored is not None:
        label, colour = str(scored.number), colour_class(scored.number)
        location = scored.passage.location
    else:
        label = letters.setdefault(citation.source_id, _letter(len(letters)))
        colour, location = TURN_CLASS, citation.location
    return Source(
        label=label,
        colour=colour,
        name=citation.document,
        location=location,
        kind=citation.kind,
    )


def _letter(index: int) -> str:
    """`a` to `z`, then `a1` to `z1`, and so on."""
    return chr(ord("a") + index % 26) + (str(index // 26) if index >= 26 else "")


def unused_passages(exchange: Exchange) -> list[ScoredPassage]:
    """The passages that were handed to the model and that no quote comes from."""
    used = {
        scored.number
        for quote in exchange.quotes
        if (scored := passage_of(quote.citation, exchange.passages)) is not None
    }
    return [one for one in exchange.passages if one.number not in used]
