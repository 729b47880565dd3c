"""A question and its answer as far as it has come: a value, folded from the events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from quoth.app.events import AnswerStats, Cited, Done, Event, Retrieved, ScoredPassage, Text
from quoth.app.ui.excerpts import Excerpt
from quoth.types import Citation

Phase = Literal["waiting", "searching", "answering", "done", "stopped", "failed"]
FindExcerpt = Callable[[Citation, str], Excerpt | None]  # a citation and its words


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A citation and the source text around it; None where it no longer holds the words."""

    citation: Citation
    excerpt: Excerpt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question, and what is known of its answer."""

    question: str
    phase: Phase = "waiting"
    num_ahead: int = 0  # questions that are answered first
    passages: tuple[ScoredPassage, ...] = ()
    text: str = ""
    quotes: tuple[Quote, ...] = ()
    stats: AnswerStats | None = None
    coverage: float = 0.0  # share of the finished answer that some source holds
    notices: tuple[str, ...] = ()
    error: str = ""

    @property
    def is_open(self) -> bool:
        """More is to come."""
        return self.phase in {"waiting", "searching", "answering"}

    def stopped(self) -> "Exchange":
        """As it stands, with nothing more to come."""
        return replace(self, phase="stopped")

    def failed(self, error: str) -> "Exchange":
        """As it stands, with the reason why nothing more comes."""
        return replace(self, phase="failed", error=error)


def advance(exchange: Exchange, event: Event, find_excerpt: FindExcerpt) -> Exchange:
    """The exchange after one more event."""
    match event:
        case Retrieved(passages=passages):
            return replace(exchange, phase="answering", passages=passages)
        case Text(start=start, text=text):
            return replace(exchange, phase="answering", text=exchange.text[:start] + text)
        case Cited(citation=citation):
            quote = _quote(citation, exchange.text, find_excerpt)
            return replace(exchange, quotes=_ordered((*exchange.quotes, quote)))
        case Done(answer=answer):
            known = {quote.citation: quote for quote in exchange.quotes if quote.excerpt}
            quotes = (
                known.get(one) or _quote(one, answer.text, find_excerpt) for one in answer.citations
            )
            return replace(
                exchange,
                phase="done",
                passages=answer.passages,
                text=answer.text,
                quotes=_ordered(quotes),
                stats=answer.stats,
                coverage=answer.coverage,
                notices=answer.notices,
            )
        case _:
            assert_never(event)


def _quote(citation: Citation, text: str, find_excerpt: FindExcerpt) -> Quote:
    words = text[citation.start : citation.end]
    return Quote(citation=citation, excerpt=find_excerpt(citation, words))


def _ordered(quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    """In the order of the answer."""
    return tuple(sorted(quotes, key=lambda quote: quote.citation.start))
