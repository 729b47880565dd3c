"""A conversation as HTML: pure functions from values to markup, one block for each exchange.

Everything that comes from a document, a file name, a model or a user goes through `markup.element`
and shows as the text it is. Answers are plain text: no Markdown, no links.
"""

import sys
from collections.abc import Iterable, Sequence

from quoth.app.events import ScoredPassage
from quoth.app.ui.answer_text import answer_text, card_id
from quoth.app.ui.exchanges import Exchange, Quote
from quoth.app.ui.markup import Html, element, join
from quoth.app.ui.palette import colour_class
from quoth.app.ui.places import passage_ref, quote_ref
from quoth.app.ui.sources import Source, sources, unused_passages, visible_quotes
from quoth.app.ui.wording import CHANGED
from quoth.app.wording import counted


def conversation(
    exchanges: Sequence[Exchange], *, title: str, examples: Sequence[str]
) -> list[Html]:
    """One block for each exchange; for an empty conversation, a welcome with example questions."""
    if not exchanges:
        return [_welcome(title, examples)]
    return [exchange_html(exchange, number) for number, exchange in enumerate(exchanges)]


def exchange_html(exchange: Exchange, number: int) -> Html:
    """A question, its answer so far, where the words are from, and the numbers."""
    return element(
        "article",
        element("div", exchange.question, class_="q-question", dir="auto"),
        element(
            "div",
            _status(exchange),
            _body(exchange, number),
            _error(exchange),
            *(element("p", notice, class_="q-notice") for notice in exchange.notices),
            _legend(exchange, number),
            _unused(exchange, number),
            _numbers(exchange),
            class_="q-reply",
        ),
        *_cards(exchange, number),
        class_=f"q-exchange is-{exchange.phase}",
        aria_busy="true" if exchange.is_open else "false",
    )


def brand(title: str) -> Html:
    """The name of the page, at its top."""
    return element("span", title, class_="q-brand")


def location_label(location: str) -> Html:
    """`page 12`, or nothing."""
    return element("span", location, class_="q-page") if location else Html()


def _welcome(title: str, examples: Sequence[str]) -> Html:
    buttons = (
        element("button", example, type="button", class_="q-example", data_example=index)
        for index, example in enumerate(examples)
    )
    lead = (
        "Ask about your documents. Words that are copied from them are coloured by source; "
        "point at them to see where they stand."
    )
    offered = element("div", *buttons, class_="q-examples") if examples else Html()
    return element(
        "div",
        element("h1", title),
        element("p", lead, class_="q-lead"),
        offered,
        class_="q-welcome",
    )


def _body(exchange: Exchange, number: int) -> Html:
    if not exchange.text:
        return Html()
    return element("div", answer_text(exchange, number), class_="q-answer", dir="auto")


def _status(exchange: Exchange) -> Html:
    if not exchange.is_open or exchange.text:
        return Html()
    return element("p", _status_words(exchange), class_="q-status", role="status")


def _status_words(exchange: Exchange) -> str:
    if exchange.phase == "waiting":
        ahead = f": {counted(exchange.num_ahead, 'question')} ahead" if exchange.num_ahead else ""
        return f"Waiting for its turn{ahead}"
    if exchange.phase == "searching":
        return "Searching the documents"
    return f"Reading {counted(len(exchange.passages), 'passage')}"


def _error(exchange: Exchange) -> Html:
    if exchange.phase == "stopped":
        return element("p", "Stopped.", class_="q-notice")
    if not exchange.error:
        return Html()
    return element("p", exchange.error, class_="q-error", role="alert")


def _legend(exchange: Exchange, number: int) -> Html:
    """The sources, each once: those that words were copied from, then those found afterwards."""
    named = sources(exchange)
    first: dict[str, tuple[str, str, Source]] = {}  # by label: origin, reference, source
    for origin in ("copied", "matched"):
        for index, quote in visible_quotes(exchange):
            if quote.citation.origin == origin:
                source = named[index]
                first.setdefault(source.label, (origin, quote_ref(number, index), source))
    entries = [first[label] for label in sorted(first, key=_numbers_first)]
    groups = (
        _legend_group(title, origin, (entry for entry in entries if entry[0] == origin))
        for origin, title in (("copied", "Copied from"), ("matched", "Found word for word in"))
    )
    return join(*groups)


def _numbers_first(label: str) -> tuple[int, str]:
    return (int(label), "") if label.isdecimal() else (sys.maxsize, label)


def _legend_group(title: str, origin: str, entries: Iterable[tuple[str, str, Source]]) -> Html:
    items = [
        element("li", _source_button(ref, source, f"q-source is-{origin}"))
        for _, ref, source in entries
    ]
    if not items:
        return Html()
    return element(
        "div", element("span", title, class_="q-caption"), element("ul", *items), class_="q-legend"
    )


def _source_button(ref: str, source: Source, class_: str) -> Html:
    said = element("span", "earlier in this conversation", class_="q-page")
    return element(
        "button",
        element("span", source.label, class_="q-label"),
        element("bdi", source.name, class_="q-name"),
        said if source.kind == "turn" else location_label(source.location),
        type="button",
        class_=f"{class_} {source.colour}",
        data_ref=ref,
    )


def _unused(exchange: Exchange, number: int) -> Html:
    unused = unused_passages(exchange)
    if exchange.is_open or not unused:
        return Html()
    items = (element("li", _passage_button(one, exchange, number)) for one in unused)
    return element(
        "div",
        element("span", "Read, not copied from", class_="q-caption"),
        element("ul", *items),
        class_="q-legend is-unused",
    )


def _passage_button(scored: ScoredPassage, exchange: Exchange, number: int) -> Html:
    source = Source(
        label=str(scored.number),
        colour=colour_class(scored.number),
        name=scored.passage.document,
        location=scored.passage.location,
        kind="document",
    )
    ref = passage_ref(number, exchange.passages.index(scored))
    return _source_button(ref, source, "q-source is-unused")


def _numbers(exchange: Exchange) -> Html:
    stats = exchange.stats
    if stats is None:
        return Html()
    seconds = stats.retrieve_s + stats.prefill_s + stats.decode_s
    words = [f"{stats.copied_share:.0%} copied"]
    if exchange.coverage > stats.copied_share:
        words.append(f"{exchange.coverage - stats.copied_share:.0%} found word for word")
    words += [
        f"{stats.tokens_per_pass:.1f} tokens per forward pass",
        counted(stats.tokens, "token"),
        f"{seconds:.1f} s",
    ]
    return element(
        "p", *(element("span", word) for word in words), class_="q-numbers", aria_label="Numbers"
    )


def _cards(exchange: Exchange, number: int) -> list[Html]:
    named = sources(exchange)
    return [
        _card(quote, named[index], quote_ref(number, index))
        for index, quote in visible_quotes(exchange)
    ]


def _card(quote: Quote, source: Source, ref: str) -> Html:
    """What a quote shows when it is pointed at: in the top layer, so nothing clips it."""
    said = "Copied from" if quote.citation.origin == "copied" else "Found word for word in"
    return element(
        "div",
        element("div", said, class_="q-said"),
        element(
            "div",
            element("span", source.label, class_="q-label"),
            element("bdi", source.name, class_="q-name"),
            location_label(quote.citation.location),
            class_="q-where",
        ),
        _excerpt(quote),
        id=card_id(ref),
        class_=f"q-card {source.colour}",
        popover="manual",
        role="tooltip",
    )


def _excerpt(quote: Quote) -> Html:
    around = quote.excerpt
    if around is None:
        return element("p", CHANGED, class_="q-excerpt")
    return element(
        "p",
        "…" if around.is_cut_before else "",
        around.before,
        element("mark", around.copied),
        around.after,
        "…" if around.is_cut_after else "",
        class_="q-excerpt",
        dir="auto",
    )
