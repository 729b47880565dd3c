"""What a prompt was made of, as sources that can be cited."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from quoth.app.citations import CitableSource
from quoth.app.context import Fitted
from quoth.app.prompting import PromptSource
from quoth.types import Passage, Turn

SPEAKERS = {"user": "your earlier question", "assistant": "an earlier answer"}


def citable_sources(
    fitted: Fitted, page_at: Callable[[str, int], int | None]
) -> list[CitableSource]:
    """The passages and turns of a prompt, in the order of the prompt's sources.

    Args:
        fitted: The prompt and its material.
        page_at: The page of an offset into a document, by document id.
    """
    passages = {passage.id: passage for passage in fitted.passages}
    turns = {turn.id: turn for turn in fitted.turns}
    return [
        _from_passage(source, passages[source.source_id], page_at)
        if source.source_id in passages
        else _from_turn(source, turns[source.source_id])
        for source in fitted.prompt.sources
    ]


def _from_passage(
    source: PromptSource, passage: Passage, page_at: Callable[[str, int], int | None]
) -> CitableSource:
    first_offsets = _page_breaks(passage, page_at)
    return CitableSource(
        reference_id=passage.id,
        source_id=passage.document_id,
        text=passage.text,
        base=passage.start,
        document=passage.document,
        kind="document",
        char_ranges=source.char_ranges,
        page_at=lambda offset: _page(passage, first_offsets, offset),
        locations=passage.locations,
    )


def _page_breaks(passage: Passage, page_at: Callable[[str, int], int | None]) -> list[int]:
    """Where in the document each page after the passage's first one begins.

    Looked up before decoding, so that a document which changes or goes meanwhile spoils nothing.
    """
    if passage.page is None or passage.end_page is None:
        return []
    pages = range(passage.page + 1, passage.end_page + 1)
    offsets = range(passage.start, passage.end)
    return [
        passage.start
        + bisect_left(offsets, page, key=lambda at: page_at(passage.document_id, at) or 0)
        for page in pages
    ]


def _page(passage: Passage, first_offsets: Sequence[int], offset: int) -> int | None:
    return None if passage.page is None else passage.page + bisect_right(first_offsets, offset)


def _from_turn(source: PromptSource, turn: Turn) -> CitableSource:
    return CitableSource(
        reference_id=turn.id,
        source_id=turn.id,
        text=turn.text,
        base=0,
        document=SPEAKERS[turn.role],
        kind="turn",
        char_ranges=source.char_ranges,
        page_at=lambda _offset: None,
    )
