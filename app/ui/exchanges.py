"""A question and its answer as far as it has come: a value, folded from the events."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from quoth.app.events import AnswerStats, Cited, Done, Event, Retrieved, ScoredPassage, Text
from quoth.app.ui.excerpts import Excerpt
from quoth.types import Citation

Phase = Literal["waiting", "searching", "answering", "done", "stopped", "failed"]
FindExcerpt = Callable[[Citation], Excerpt | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A citation and the source text around it; None where the source could not be read."""

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
            return replace(exchange, quotes=_quotes((citation,), exchange.quotes, find_excerpt))
        case Done(answer=answer):
            known = {quote.citation: quote.excerpt for quote in exchange.quotes}
            return replace(
                exchange,
                phase="done",
                passages=answer.passages,
                text=answer.text,
                quotes=_quotes(
                    answer.citations, (), lambda one: known.get(one) or find_excerpt(one)
                ),
                stats=answer.stats,
                notices=answer.notices,
            )
        case _:
            assert_never(event)


def _quotes(
    citations: tuple[Citation, ...], known: tuple[Quote, ...], find_excerpt: FindExcerpt
) -> tuple[Quote, ...]:
    """The known quotes and those of the citations, in the order of the answer."""
    new = (Quote(citation=one, excerpt=find_excerpt(one)) for one in citations)
    return tuple(sorted((*known, *new), key=lambda quote: quote.citation.start))
