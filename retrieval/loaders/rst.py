"""reStructuredText, kept as it is written. Titles and literal blocks are found, nothing is run."""

import re

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.retrieval.loaders.decode import decode_text
from quoth.retrieval.loaders.lines import Line, iterate_lines

_ADORNMENT = re.compile(r"""([!-/:-@\[-`{-~])\1+[ \t]*$""")
_LITERAL = re.compile(r".*::[ \t]*$|[ \t]*\.\. (?:code-block|code|sourcecode|parsed-literal)::")


def load_rst(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
    """Load reStructuredText; levels follow the order in which title styles appear."""
    text = canonical_text(decode_text(content))
    lines = list(iterate_lines(text))
    literals = _literals(lines)
    headings = _headings(lines, literals)
    return LoadedDocument(
        text=text,
        format="rst",
        title=headings[0].title if headings else "",
        headings=tuple(headings),
        kept_whole=tuple(literals),
    )


def _headings(lines: list[Line], literals: list[tuple[int, int]]) -> list[Heading]:
    styles: list[str] = []
    headings = []
    inside = _Ranges(literals)
    for place in range(1, len(lines)):
        title, under = lines[place - 1], lines[place]
        if not _is_title(title, under) or inside.hold(under.start):
            continue
        over = lines[place - 2] if place >= 2 else None
        has_over = over is not None and over.text.rstrip() == under.text.rstrip()
        if title.text.startswith(" ") and not has_over:
            continue
        style = under.text[0] + ("^" if has_over else "")
        if style not in styles:
            styles.append(style)
        start = over.start if over and has_over else title.start
        headings.append(
            Heading(
                start=start,
                end=under.end,
                level=styles.index(style) + 1,
                title=title.text.strip(),
            )
        )
    return headings


def _is_title(title: Line, under: Line) -> bool:
    """Whether `under` underlines `title`: as long as it, and itself no title."""
    words = title.text.strip()
    long_enough = len(under.text.rstrip()) >= min(len(title.text.rstrip()), 4)
    is_rule = _ADORNMENT.match(title.text) is not None
    adorned = _ADORNMENT.match(under.text) is not None
    return bool(words) and adorned and long_enough and not is_rule


class _Ranges:
    """Ascending ranges, asked about ascending offsets."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._ranges = ranges
        self._place = 0

    def hold(self, offset: int) -> bool:
        while self._place < len(self._ranges) and self._ranges[self._place][1] <= offset:
            self._place += 1
        return self._place < len(self._ranges) and self._ranges[self._place][0] <= offset


def _literals(lines: list[Line]) -> list[tuple[int, int]]:
    """Ranges of the indented blocks that follow a line ending in `::`."""
    literals: list[tuple[int, int]] = []
    indent = -1  # of the line that announced a block; -1 outside
    begun: Line | None = None
    last: Line | None = None
    for line in lines:
        if not line.text.strip():
            continue
        depth = len(line.text) - len(line.text.lstrip())
        if indent >= 0 and depth > indent:
            begun, last = begun or line, line
            continue
        if begun and last:
            literals.append((begun.start, last.end))
        begun, last = None, None
        indent = depth if _LITERAL.match(line.text) else -1
    if begun and last:
        literals.append((begun.start, last.end))
    return literals
