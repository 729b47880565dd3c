"""Markdown, kept as it is written: the canonical text is the source, marks and all.

Headings (ATX and setext) and fenced code blocks are found; the rest is for the reader.
"""

import re

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.retrieval.loaders.decode import decode_text
from quoth.retrieval.loaders.lines import Line, iterate_lines

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_FRONT_MATTER = re.compile(r"---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_NOT_A_TITLE = re.compile(r"[ \t]*(?:[-*+>|]|\d+[.)]|$)|    |\t")  # a list, a table, code


def load_markdown(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
    """Load Markdown; the title is the first heading of the highest level."""
    return markdown_document(canonical_text(decode_text(content)))


def markdown_document(text: str) -> LoadedDocument:
    """The document of canonical Markdown."""
    front = _FRONT_MATTER.match(text)
    lines = [line for line in iterate_lines(text) if not front or line.start >= front.end()]
    fences = _fences(lines, len(text))
    headings = _headings(lines, fences)
    return LoadedDocument(
        text=text,
        format="markdown",
        title=min(headings, key=lambda h: h.level).title if headings else "",
        headings=tuple(headings),
        kept_whole=tuple(fences),
    )


def _fences(lines: list[Line], text_end: int) -> list[tuple[int, int]]:
    """Ranges of fenced code blocks, fences included; an unclosed one runs to the end."""
    fences = []
    opened: tuple[int, str] | None = None
    for line in lines:
        match = _FENCE.match(line.text)
        if not match:
            continue
        marks, rest = match.groups()
        if opened is None:
            if not ("`" in rest and marks[0] == "`"):
                opened = (line.start, marks)
        elif marks.startswith(opened[1]) and not rest.strip():
            fences.append((opened[0], line.end))
            opened = None
    if opened is not None:
        fences.append((opened[0], text_end))
    return fences


def _headings(lines: list[Line], fences: list[tuple[int, int]]) -> list[Heading]:
    headings = []
    previous: Line | None = None
    coming = iter(fences)
    fence = next(coming, None)
    for line in lines:
        while fence and line.start >= fence[1]:
            fence = next(coming, None)
        if fence and fence[0] <= line.start:
            previous = None
            continue
        heading = _heading(line, previous)
        if heading:
            headings.append(heading)
        previous = None if heading else line
    return headings


def _heading(line: Line, previous: Line | None) -> Heading | None:
    atx = _ATX.match(line.text)
    if atx:
        title = line.text[atx.end() :].strip()
        if title.rstrip("#").endswith((" ", "\t")) or not title.strip("#"):
            title = title.rstrip("#").rstrip()
        title = " ".join(title.split())
        return Heading(start=line.start, end=line.end, level=len(atx[1]), title=title)
    setext = _SETEXT.match(line.text)
    if not setext or previous is None or _NOT_A_TITLE.match(previous.text):
        return None
    level = 1 if setext[1][0] == "=" else 2
    title = " ".join(previous.text.split())
    return Heading(start=previous.start, end=line.end, level=level, title=title)
