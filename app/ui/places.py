"""What a click in the conversation points to.

The browser names an exchange and a quote or passage of it, never a document or an offset: so a
visitor can open only what stands in their own conversation.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from quoth.app.ui.exchanges import Exchange
from quoth.app.ui.palette import colour_class
from quoth.app.ui.sources import sources
from quoth.types import SourceKind, SourceSpan

_REF: Final = re.compile(r"([0-9]{1,6})-([qp])([0-9]{1,6})(?:-o([0-9]{1,6}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A range of a source to show, and how to call it."""

    ref: str
    span: SourceSpan
    words: str  # what stood there when the answer was given
    name: str
    kind: SourceKind
    said: str  # "copied from", "found word for word in", "given to the model from"
    label: str
    colour: str  # CSS class
    others: tuple[
        tuple[str, SourceSpan], ...
    ] = ()  # reference and range of the same text elsewhere


def quote_ref(exchange: int, quote: int) -> str:
    """The reference of a quote."""
    return f"{exchange}-q{quote}"


def passage_ref(exchange: int, passage: int) -> str:
    """The reference of a passage, by its index."""
    return f"{exchange}-p{passage}"


def other_ref(ref: str, other: int) -> str:
    """The reference of another place that holds the same text as the quote `ref`."""
    return f"{ref}-o{other}"


def place(
    ref: object, exchanges: Sequence[Exchange], *, name_of: Callable[[str], str | None]
) -> Place | None:
    """The place that `ref` names; None if there is none. `ref` comes from a browser."""
    found = _REF.fullmatch(ref) if isinstance(ref, str) else None
    if found is None or int(found[1]) >= len(exchanges):
        return None
    exchange, index = exchanges[int(found[1])], int(found[3])
    if found[2] == "p":
        return _passage_place(found[0], exchange, index) if found[4] is None else None
    if index >= len(exchange.quotes):
        return None
    quoted = _quote_place(f"{found[1]}-q{index}", exchange, index)
    return quoted if found[4] is None else _other_place(quoted, int(found[4]), name_of)


def _passage_place(ref: str, exchange: Exchange, index: int) -> Place | None:
    if index >= len(exchange.passages):
        return None
    scored = exchange.passages[index]
    return Place(
        ref=ref,
        span=scored.passage.span,
        words=scored.passage.text,
        name=scored.passage.document,
        kind="document",
        said="given to the model from",
        label=str(scored.number),
        colour=colour_class(scored.number),
    )


def _quote_place(ref: str, exchange: Exchange, index: int) -> Place:
    citation, source = exchange.quotes[index].citation, sources(exchange)[index]
    return Place(
        ref=ref,
        span=citation.source,
        words=exchange.text[citation.start : citation.end],
        name=citation.document,
        kind=citation.kind,
        said="copied from" if citation.origin == "copied" else "found word for word in",
        label=source.label,
        colour=source.colour,
        others=tuple((other_ref(ref, other), span) for other, span in enumerate(citation.others)),
    )


def _other_place(quoted: Place, other: int, name_of: Callable[[str], str | None]) -> Place | None:
    if other >= len(quoted.others):
        return None
    ref, span = quoted.others[other]
    name = name_of(span.source_id)
    return Place(
        ref=ref,
        span=span,
        words=quoted.words,
        name=name or "An earlier turn",
        kind="turn" if name is None else "document",
        said="also in",
        label=quoted.label,
        colour=quoted.colour,
        others=((quoted.ref, quoted.span), *(one for one in quoted.others if one[0] != ref)),
    )
