"""Sentences and passages as half-open character ranges of one text.

Works on prose, hard-wrapped reStructuredText and Markdown alike: blank lines, list items, headings
and table rows end a sentence; a single line break inside a paragraph does not. Nothing is ever
rewritten, so ``text[start:end]`` is always a verbatim quote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Range = tuple[int, int]

_BLOCK_BREAK = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+#>|]|\d+[.)]|\.\. |```)[ \t]?)")
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"')\]\u201d]*\s+(?=[\"'(\[`*\u201c]*[A-Z0-9])")
_LIST_MARKER = re.compile(r"\s*(?:(?:[-*+>]|#{1,6}|\d{1,2}[.)])[ \t]+)*\s*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|No|Fig|Inc|Jr|Sr|Prof|cf|al)|\be\.g|\bi\.e|\b[A-Z])\.$"
)


def split_sentences(text: str) -> list[Range]:
    r"""The sentences of ``text`` in order, without surrounding white space and list markers.

    Worked example: ``"One. Two\nlines.\n\n- item"`` gives ``"One."``, ``"Two\nlines."``
    and ``"item"``.
    """
    return [
        span
        for start, end in _pieces(text, 0, len(text), _BLOCK_BREAK)
        for span in _sentences_of_block(text, start, end)
    ]


def _sentences_of_block(text: str, start: int, end: int) -> Iterator[Range]:
    begin = start
    for _, piece_end in _pieces(text, start, end, _SENTENCE_BREAK):
        if piece_end < end and _ABBREVIATION.search(text, max(begin, piece_end - 8), piece_end):
            continue
        if begin < piece_end:
            yield from _stripped(text, begin, piece_end)
        begin = piece_end


def _pieces(text: str, start: int, end: int, separator: re.Pattern[str]) -> Iterator[Range]:
    begin = start
    for match in separator.finditer(text, start, end):
        yield begin, match.start()
        begin = match.end()
    yield begin, end


def _stripped(text: str, start: int, end: int) -> Iterator[Range]:
    marker = _LIST_MARKER.match(text, start, end)
    start = marker.end() if marker else start
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def split_passages(text: str, *, max_chars: int) -> list[Range]:
    """Runs of whole sentences of at most ``max_chars`` characters; a longer one stands alone."""
    passages: list[Range] = []
    for start, end in split_sentences(text):
        if passages and end - passages[-1][0] <= max_chars:
            passages[-1] = (passages[-1][0], end)
        else:
            passages.append((start, end))
    return passages
