"""Hypothesis strategies for exchanges whose every text is hostile."""

from hypothesis import strategies as st

from quoth.app.events import ScoredPassage
from quoth.app.ui.excerpts import excerpt
from quoth.app.ui.exchanges import Exchange, Quote
from quoth.types import Citation, Passage

HOSTILE = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '"><svg onload=alert(1)>',
    "[a](javascript:alert(1))",
    "${alert(1)} {{value}} `",
    "</mark></div><b>bold</b>",
    "&lt;b&gt; &amp;amp; &#60;",
    "<!-- --> ]]> </textarea>",
    "[1] [2] [99]",
    "\u202eevil \n\n line",
)
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=5).map("".join)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """An exchange in any phase; its quotes lie anywhere in the text, overlaps included."""
    text, name = draw(texts), draw(texts)
    passages = tuple(
        ScoredPassage(number=number, passage=_passage(f"d{number}", name, draw(texts)), score=0.5)
        for number in range(1, draw(st.integers(0, 3)) + 1)
    )
    return Exchange(
        question=draw(texts),
        phase=draw(st.sampled_from(["waiting", "searching", "answering", "done", "stopped"])),
        passages=passages,
        text=text,
        quotes=tuple(sorted(draw(st.lists(_quotes(text, name), max_size=4)), key=_start)),
        notices=tuple(draw(st.lists(texts, max_size=2))),
        error=draw(texts),
    )


def _start(quote: Quote) -> int:
    return quote.citation.start


def _passage(id_: str, name: str, text: str) -> Passage:
    return Passage(
        id=f"{id_}/0", document_id=id_, document=name, text=text, start=0, end=len(text), page=3
    )


@st.composite
def _quotes(draw: st.DrawFn, text: str, name: str) -> Quote:
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, len(text) + 2))  # the text may not have come so far
    citation = Citation(
        start=start,
        end=end,
        source_id=draw(st.sampled_from(["d1", "d2", "t1"])),
        source_start=0,
        source_end=end - start,
        document=name,
        page=draw(st.none() | st.integers(1, 900)),
        kind=draw(st.sampled_from(["document", "turn"])),
        origin=draw(st.sampled_from(["copied", "matched"])),
    )
    source = draw(texts) + text
    around = excerpt(source, 0, len(source) // 2, reach=10)
    return Quote(citation=citation, excerpt=draw(st.none() | st.just(around)))
