"""HTML: the text that a reader sees, with its block structure. Nothing is ever fetched or run.

Scripts, styles, navigation and what is hidden are left out: text that no reader sees does not get
into answers that way. Of web pages, what stands around the content goes too.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.retrieval.loaders.decode import can_name_itself, refuse_binary
from quoth.retrieval.loaders.main_content import furniture
from quoth.retrieval.loaders.visibility import is_dropped

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import PageElement

_PARAGRAPHS = frozenset(
    {
        "p", "div", "section", "article", "main", "header", "footer", "aside", "body", "html",
        "ul", "ol", "dl", "table", "figure", "figcaption", "blockquote", "form", "fieldset",
        "details", "summary", "hr", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "address", "center",
    }
)  # fmt: skip
_LINES = frozenset({"li", "tr", "dt", "dd", "br", "caption", "option", "legend"})
_CELLS = frozenset({"td", "th"})
_HEADING = re.compile(r"h([1-6])$")
_MAX_QUOTES = 9
_SPACE = re.compile(r"\s+")


def load_html(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
    """Load HTML; the title is the one in the head, or the first heading."""
    refuse_binary(content)
    return html_document(content, is_page=True)


def html_document(
    markup: str | bytes, *, is_page: bool, marks_quotes: bool = False
) -> LoadedDocument:
    """The document in `markup`.

    Args:
        markup: HTML or XHTML.
        is_page: A web page: what stands around its content is left out.
        marks_quotes: Lines of block quotes begin with ">", as in mails.
    """
    from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(markup, "lxml", exclude_encodings=_false_encodings(markup))
    blocks = _Blocks(marks_quotes=marks_quotes)
    for step in _steps(soup, furniture(soup) if is_page else frozenset()):
        blocks.take(step)
    text, headings, kept_whole = blocks.joined()
    title = _head_title(soup) or (headings[0].title if headings else "")
    return LoadedDocument(
        text=text,
        format="html",
        title=title,
        headings=tuple(headings),
        kept_whole=tuple(kept_whole),
    )


def _false_encodings(markup: str | bytes) -> list[str]:
    """What `markup` names as its encoding and cannot be in."""
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(markup, is_html=True)
    return [declared] if declared and not can_name_itself(declared) else []


def _head_title(soup: "BeautifulSoup") -> str:
    tag = soup.find("title")
    return " ".join(canonical_text(tag.get_text()).split()) if tag else ""


@dataclass(frozen=True, slots=True)
class _Step:
    """An element begins, or ends, or there is text."""

    name: str
    text: str = ""
    is_end: bool = False


def _steps(soup: "BeautifulSoup", left_out: frozenset[int]) -> Iterator[_Step]:
    """Walk the visible tree without recursion: pages may nest deeper than Python's stack."""
    from bs4.element import NavigableString, PreformattedString, Tag

    todo: list[PageElement | _Step] = [soup]
    while todo:
        node = todo.pop()
        if isinstance(node, _Step):
            yield node
        elif isinstance(node, Tag):
            if id(node) not in left_out and not is_dropped(node):
                yield _Step(node.name)
                todo.append(_Step(node.name, is_end=True))
                todo.extend(reversed(node.contents))
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            yield _Step("", str(node))


@dataclass(slots=True)
class _Block:
    """A paragraph or line; `gap` newlines stand before it."""

    text: str
    gap: int
    level: int  # of a heading; 0 for other text
    is_whole: bool


@dataclass(slots=True)
class _Blocks:
    """Collects text until a block ends."""

    done: list[_Block] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    gap: int = 2
    bullet: str = ""  # of the list item that has begun; its text may come in a paragraph
    lists: list[int] = field(default_factory=list)  # next number of each open list; -1 for bullets
    level: int = 0
    pre: int = 0
    marks_quotes: bool = False
    quotes: int = 0

    def take(self, step: _Step) -> None:
        if not step.name:
            self.current.append(step.text if self.pre else _SPACE.sub(" ", step.text))
        elif step.name in _PARAGRAPHS:
            self._end_block(2)
            self._enter(step)
        elif step.name in _LINES:
            self._end_block(1, in_pre=step.name == "br")
            if step.name == "li" and not step.is_end:
                self.bullet = self._next_bullet()
        elif step.name in _CELLS and not step.is_end and "".join(self.current).strip():
            self.current.append(" | ")

    def joined(self) -> tuple[str, list[Heading], list[tuple[int, int]]]:
        """The text, its headings and its preformatted blocks."""
        self._end_block(2)
        pieces: list[str] = []
        headings: list[Heading] = []
        kept_whole = []
        length = 0
        for block in self.done:
            before = "\n" * block.gap if pieces else ""
            start = length + len(before)
            length = start + len(block.text)
            pieces.append(before + block.text)
            if block.is_whole:
                kept_whole.append((start, length))
            if block.level:
                title = " ".join(block.text.split())
                heading = Heading(start=start, end=length, level=block.level, title=title)
                headings.append(heading)
        return "".join(pieces), headings, kept_whole

    def _enter(self, step: _Step) -> None:
        change = -1 if step.is_end else 1
        heading = _HEADING.match(step.name)
        if heading:
            self.level = 0 if step.is_end else int(heading[1])
        elif step.name == "pre":
            self.pre = max(0, self.pre + change)
        elif step.name == "blockquote":
            self.quotes = max(0, self.quotes + change)
        elif step.name in {"ul", "ol"}:
            if step.is_end:
                del self.lists[-1:]
            else:
                self.lists.append(1 if step.name == "ol" else -1)

    def _next_bullet(self) -> str:
        if not self.lists or self.lists[-1] < 0:
            return "- "
        self.lists[-1] += 1
        return f"{self.lists[-1] - 1}. "

    def _end_block(self, gap: int, *, in_pre: bool = False) -> None:
        if in_pre and self.pre:
            self.current.append("\n")
            return
        raw = canonical_text("".join(self.current))
        text = raw.strip("\n").rstrip() if self.pre else _SPACE.sub(" ", raw).strip()
        if text.strip(" |"):
            text = self._quoted(self.bullet + text)
            self.done.append(_Block(text, self.gap, self.level, self.pre > 0))
            self.bullet = ""
            self.gap = gap
        else:
            self.gap = max(self.gap, gap)
        self.current = []

    def _quoted(self, text: str) -> str:
        if not (self.marks_quotes and self.quotes):
            return text
        mark = ">" * min(self.quotes, _MAX_QUOTES) + " "
        return "\n".join(mark + line for line in text.split("\n"))
