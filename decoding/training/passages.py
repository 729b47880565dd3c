"""Documents cut into passages of the retriever's size, each with its document's subject.

Sections come first, then paragraphs, then sentences, and a code block stays whole where it fits, as
in the product's own chunker: a passage is always ``text[start:end]`` of its document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.decoding.training.sentences import split_sentences

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    from quoth.decoding.training.sentences import Range
    from quoth.decoding.training.sources import Document

_MAX_CHARS = 800
_MIN_CHARS = 80
_MAX_TOKENS = 180
_NOVEL_SHARE = 0.03
_SMALL_TOKENS = 60  # a heading begins a new passage where the one before has so many
_TOKENISH = re.compile(r"[^\W\d_]{1,7}|\d{1,3}|[^\w\s]|_")
_PARAGRAPH = re.compile(r"(?:[^\n]*\S[^\n]*\n?)+")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
_MARKDOWN_HEADING = re.compile(r"#{1,6}[ \t]+([^\n]+?)[ \t#]*(?:\n|$)")
_UNDERLINED = re.compile(
    r"(?:([=\-~^\"'*+#.])\1{2,}\n)?[ \t]?(\S[^\n]{1,90})\n([=\-~^\"'*+#.])\3{2,}\s*$"
)
_FRONT_MATTER = re.compile(r"\s*---\n.*?\n---\n", re.DOTALL)
_TITLE = re.compile(r"^[Tt]itle:[ \t]*(.+)$", re.MULTILINE)
_PEP = re.compile(r"PEP: (\d+)\n")
_GENERIC = frozenset(
    {"summary", "introduction", "overview", "abstract", "about", "readme", "usage"}
)
_MARKUP = re.compile(r"[`*]+|<[^>]*>|\{[^}]*\}|:[a-z-]+:(?=`)|\[([^\]]+)\]\([^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of a document; ``heading`` is the nearest one at or above its beginning."""

    text: str
    document: int
    subject: str
    heading: str


def title_of(document: Document) -> str:
    """What the document is about: its title, its first heading, or its file name."""
    head = document.text[:3000]
    pep = _PEP.search(head[:200])
    if pep:
        return f"PEP {pep.group(1)}"
    named = _TITLE.search(head)
    if named:
        return plain(named.group(1).strip("\"' "))
    headings = (heading_of(head[s:e]) for s, e in _blocks(head))
    first = next((heading for heading in headings if heading), "")
    if first.casefold() in _GENERIC:
        first = ""
    stem = document.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return plain(first or re.sub(r"^\d+-|[-_]", " ", stem).strip())


def plain(text: str) -> str:
    """A heading's words without their markup."""
    return " ".join(_MARKUP.sub(lambda match: match.group(1) or "", text).split())


def heading_of(block: str) -> str | None:
    """The heading with which a paragraph begins, if it does; without markup."""
    match = _MARKDOWN_HEADING.match(block)
    if match:
        return plain(match.group(1)) or None
    underlined = _UNDERLINED.match(block)
    return plain(underlined.group(2)) or None if underlined else None


def num_tokens(text: str) -> int:
    """About as many as the embedder's word pieces."""
    return sum(1 for _ in _TOKENISH.finditer(text))


def cut_document(document: Document, number: int) -> list[Passage]:
    """All passages of a document, in order."""
    text, subject = document.text, title_of(document)
    begin = match.end() if (match := _FRONT_MATTER.match(text)) else 0
    passages: list[Passage] = []
    start = end = size = 0
    heading = here = ""
    for left, right, title in _units(text, begin):
        added = num_tokens(text[left:right])
        is_full = size + added > _MAX_TOKENS or right - start > _MAX_CHARS
        if size and (is_full or (title and size >= _SMALL_TOKENS)):
            passages.append(
                Passage(text=text[start:end], document=number, subject=subject, heading=here)
            )
            size = 0
        heading = title or heading
        if not size:
            start, here = left, heading
        end, size = right, size + added
    if size:
        passages.append(
            Passage(text=text[start:end], document=number, subject=subject, heading=here)
        )
    return passages


def _units(text: str, begin: int) -> Iterator[tuple[int, int, str | None]]:
    """Paragraphs that fit, else sentences, else lines; with the heading that a unit begins with."""
    for left, right in _blocks(text, begin):
        block = text[left:right]
        is_indented = left > 0 and text[left - 1] != "\n"
        title = None if is_indented else heading_of(block)
        if num_tokens(block) <= _MAX_TOKENS and right - left <= _MAX_CHARS:
            yield left, right, title
            continue
        for start, end in split_sentences(block):
            if end - start <= _MAX_CHARS and num_tokens(block[start:end]) <= _MAX_TOKENS:
                yield left + start, left + end, title
            title = None


def _blocks(text: str, begin: int = 0) -> Iterator[Range]:
    """Paragraphs between blank lines; a fenced code block is one."""
    for fence in _FENCE.finditer(text, begin):
        yield from _paragraphs(text, begin, fence.start())
        yield _trimmed(text, *fence.span())
        begin = fence.end()
    yield from _paragraphs(text, begin, len(text))


def _paragraphs(text: str, begin: int, end: int) -> Iterator[Range]:
    for match in _PARAGRAPH.finditer(text, begin, end):
        start, finish = _trimmed(text, *match.span())
        if start < finish:
            yield start, finish


def _trimmed(text: str, start: int, end: int) -> Range:
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return start, end


def choose_passages(
    documents: Sequence[Document],
    rng: random.Random,
    *,
    is_wanted: Callable[[str], bool],
    count: int,
    per_document: int,
    novels: frozenset[int] = frozenset(),
) -> list[Passage]:
    """At most ``count`` passages: neighbouring ones of each document, from a random place.

    ``novels`` are the numbers of documents that together give few of the passages.
    ``is_wanted`` is asked for every text that would be taken, in order.
    """
    room = {True: round(_NOVEL_SHARE * count), False: count - round(_NOVEL_SHARE * count)}
    chosen: list[Passage] = []
    order = list(range(len(documents)))
    rng.shuffle(order)
    for number in order:
        is_novel = number in novels
        if not room[is_novel]:
            continue
        passages = [p for p in cut_document(documents[number], number) if _is_text(p.text)]
        size = min(per_document, len(passages), room[is_novel])
        begin = rng.randint(0, len(passages) - size)
        taken = [p for p in passages[begin : begin + size] if is_wanted(p.text)]
        chosen += taken
        room[is_novel] -= len(taken)
    return chosen


def _is_text(passage: str) -> bool:
    return len(passage) >= _MIN_CHARS and sum(map(str.isalpha, passage)) >= 0.5 * len(passage)
