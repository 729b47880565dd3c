"""Definitions in source code, however they were found, as headings."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quoth.retrieval.documents import Heading, LoadedDocument

_OUTERMOST = 2  # definitions are no chapters: small neighbours may share a passage
_INNERMOST = 100  # deeper ones are no code that anybody wrote
_MAX_TITLE = 120
_CLOSING = re.compile(r"(?:\W|\bend\b)*")  # what only closes scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A class or function: `[start, end)` in the text, with decorators and comments before it."""

    start: int
    end: int
    heading_end: int  # of the line that names it
    depth: int  # how many symbols are around it
    title: str  # as in the source, such as "def search"


def document_of(text: str, symbols: Sequence[Symbol]) -> LoadedDocument:
    """The document of `text`, with its symbols (by start, nested or disjoint) as headings."""
    return LoadedDocument(text=text, format="code", headings=tuple(_headings(text, symbols)))


def _headings(text: str, symbols: Sequence[Symbol]) -> Iterable[Heading]:
    """A heading where a symbol begins, and one without title where its outer scope goes on."""
    open_symbols: list[Symbol] = []
    for symbol in symbols:
        yield from _resumptions(text, open_symbols, symbol.start)
        open_symbols.append(symbol)
        yield Heading(
            start=symbol.start,
            end=symbol.heading_end,
            level=_level(symbol),
            title=" ".join(symbol.title.split())[:_MAX_TITLE].rstrip(),
        )
    yield from _resumptions(text, open_symbols, len(text))


def _resumptions(text: str, open_symbols: list[Symbol], until: int) -> Iterable[Heading]:
    """Close the symbols that end before `until`; what stands after each is not theirs."""
    while open_symbols and open_symbols[-1].end <= until:
        closed = open_symbols.pop()
        after = min(until, open_symbols[-1].end) if open_symbols else until
        rest = text[closed.end : after]
        start = closed.end + len(rest) - len(rest.lstrip())
        if not _CLOSING.fullmatch(rest):
            end = start + len(text[start:after].split("\n", 1)[0].rstrip())
            yield Heading(start=start, end=end, level=_level(closed), title="")


def _level(symbol: Symbol) -> int:
    return min(_OUTERMOST + symbol.depth, _INNERMOST)
