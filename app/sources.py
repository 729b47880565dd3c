"""What a prompt was made of, as sources that can be cited."""

from collections.abc import Callable
from functools import partial

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
    return CitableSource(
        reference_id=passage.id,
        source_id=passage.document_id,
        text=passage.text,
        base=passage.start,
        document=passage.document,
        kind="document",
        char_ranges=source.char_ranges,
        page_at=partial(page_at, passage.document_id),
    )


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
