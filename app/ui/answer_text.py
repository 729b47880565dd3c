"""The text of an answer with its quotes drawn in: without the tags it is the text, unchanged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quoth.app.seams import seams
from quoth.app.ui.exchanges import Exchange, Quote
from quoth.app.ui.markup import Html, element, escape, join
from quoth.app.ui.palette import colour_class
from quoth.app.ui.places import quote_ref
from quoth.app.ui.sources import Source, sources, visible_quotes

_MARKER: Final = re.compile(r"\[([0-9]{1,3})\]")  # how the model names a passage in its own words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A quote, its source, and whether it shows the source's number behind it."""

    index: int
    quote: Quote
    source: Source
    has_chip: bool


def answer_text(exchange: Exchange, number: int) -> Html:
    """The text of exchange `number`, its quotes marked and the model's own `[n]` coloured."""
    parts: list[str] = []
    at = 0
    shown = [quote.citation for _, quote in visible_quotes(exchange)]
    cuts = seams(exchange.text, shown, exchange.passages)
    for drawn in _drawn(exchange):
        citation = drawn.quote.citation
        parts.append(_own_words(exchange, at, citation.start))
        if citation.start in cuts:
            parts.append(_seam())
        parts.append(_mark(exchange, number, drawn))
        at = citation.end
    parts.append(_own_words(exchange, at, len(exchange.text)))
    return join(*parts)


def card_id(ref: str) -> str:
    """The id of the element that a quote's card has in the page."""
    return f"q-card-{ref}"


def _seam() -> Html:
    """Where the source is cut: the style sheet draws it, so that it is no part of the text."""
    words = "The source is cut here"
    return element("span", class_="q-seam", role="img", aria_label=words, title=words)


def _mark(exchange: Exchange, number: int, drawn: _Drawn) -> Html:
    citation = drawn.quote.citation
    ref = quote_ref(number, drawn.index)
    return element(
        "mark",
        exchange.text[citation.start : citation.end],
        class_=f"q-quote {drawn.source.colour} is-{citation.origin}",
        role="button",
        tabindex=0,
        data_ref=ref,
        data_label=drawn.source.label if drawn.has_chip else None,
        aria_describedby=card_id(ref),
    )


def _own_words(exchange: Exchange, start: int, end: int) -> Html:
    """A stretch that no quote covers; `[n]` is coloured where passage n was given to the model."""
    text = exchange.text[start:end]
    numbers = {one.number for one in exchange.passages}
    parts: list[str] = []
    at = 0
    for found in _MARKER.finditer(text):
        if int(found[1]) in numbers:
            colour = colour_class(int(found[1]))
            parts += (text[at : found.start()], element("span", found[0], class_=f"q-n {colour}"))
            at = found.end()
    return join(*parts, escape(text[at:]))


def _drawn(exchange: Exchange) -> Iterator[_Drawn]:
    """The visible quotes.

    The last of several from one source shows its number, unless the model's own words named it.
    """
    named = sources(exchange)
    shown = visible_quotes(exchange)
    labels = [named[index].label for index, _ in shown] + [""]
    at, announced = 0, ""
    for place, (index, quote) in enumerate(shown):
        label = labels[place]
        if f"[{label}]" in exchange.text[at : quote.citation.start]:
            announced = label
        elif announced != label:
            announced = ""
        yield _Drawn(
            index=index,
            quote=quote,
            source=named[index],
            has_chip=announced != label and labels[place + 1] != label,
        )
        at = quote.citation.end
