"""Headings by how they are set: lines of their own in bold or large letters, tables apart.

Levels: parts, items, and then notes and statements of a filing ("Part II", "Item 7.", "Note 3",
"Consolidated Balance Sheets") come first, then the styles, the larger before the smaller and
capitals before the rest. So a bold "Assets" in a balance sheet is below its title.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from quoth.retrieval.loaders.pdf_lines import PageLine

_PART = re.compile(r"part\s+[ivx]+\b", re.IGNORECASE)
_ITEM = re.compile(r"item\s+\d+[a-c]?\b", re.IGNORECASE)
_NOTE = re.compile(r"note\s+\d+[a-z]?\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?:section\s+)?\d+(?:\.\d+)*[a-z]?[.:)—–-]?\s", re.IGNORECASE)
_KINDS = (_PART, _ITEM, _NOTE)
_STATEMENT = re.compile(  # often set like the rest, and what readers look for
    r"(?:condensed\s+)?consolidated\s+(?:balance\s+sheets?|statements?\s+of\s+[^.,;:]{4,80})",
    re.IGNORECASE,
)
_STATEMENT_TITLE = re.compile(  # spaces taken out: some files have them within words
    r"[^.,;:]{0,60}consolidated(?:balancesheet|statements?of)[^.,;:]{0,80}", re.IGNORECASE
)
_UNITS = re.compile(r"[($]|(?:years?|months?|quarters?|weeks?|fiscal|as of|as at)\b.{0,60}$", re.I)
_LETTERS = re.compile(r"[^\W\d_]{3}")
_LARGE = 1.12  # of the size of the body
_TIGHT = 0.8  # of the letters' height
_MOST_LINES = 3
_LONGEST = 300  # characters
_DEEPEST = 6
_SAME_SIZE = 0.5  # points
_LEAST_BODY = 0.5  # of the letters: a document in bold has no bold headings


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadingLines:
    """`lines[first:last]` is a heading."""

    first: int
    last: int
    level: int


def heading_lines(lines: Sequence[PageLine]) -> list[HeadingLines]:
    """The headings among the lines of a whole document, in order."""
    body = _body(lines)
    groups: list[list[int]] = []
    for place, line in enumerate(lines):
        if not _is_set_apart(line, body):
            continue
        if groups and groups[-1][-1] == place - 1 and _goes_on(lines[place - 1], line):
            groups[-1].append(place)
        else:
            groups.append([place])
    found = [group for group in groups if _is_heading(lines, group)]
    texts = [" ".join(lines[place].text for place in group) for group in found]
    ranks = _ranks([lines[group[0]] for group in found], [_kind(text) for text in texts])
    return [
        HeadingLines(first=group[0], last=group[-1] + 1, level=level)
        for group, level in zip(found, ranks, strict=True)
    ]


def _body(lines: Sequence[PageLine]) -> tuple[float, bool]:
    """The size in which most letters are set, and whether most of them are bold."""
    sizes: Counter[float] = Counter()
    bold = 0
    for line in lines:
        sizes[_size(line)] += len(line.text)
        bold += len(line.text) * line.is_bold
    total = max(sizes.total(), 1)
    return (sizes.most_common(1)[0][0] if sizes else 0.0), bold > _LEAST_BODY * total


def _size(line: PageLine) -> float:
    return round(line.height / _SAME_SIZE) * _SAME_SIZE


def _is_set_apart(line: PageLine, body: tuple[float, bool]) -> bool:
    size, is_bold = body
    if line.is_data_row or not _LETTERS.search(line.text) or _UNITS.match(line.text):
        return False
    is_named = _is_numbered(line.text) or _is_statement(line.text)  # a company beside its title
    if len(line.cells) > 2 or (len(line.cells) == 2 and not is_named):
        return False
    is_marked = (line.is_bold and not is_bold) or line.height >= _LARGE * size
    return is_marked or _STATEMENT.fullmatch(line.text) is not None


def _is_numbered(text: str) -> bool:
    return any(pattern.match(text) for pattern in (*_KINDS, _NUMBER))


def _goes_on(line: PageLine, after: PageLine) -> bool:
    """Whether two lines of one style belong to one heading."""
    is_alike = _size(line) == _size(after) and line.text.isupper() == after.text.isupper()
    return _is_tight(line, after) and is_alike and not _is_numbered(after.text)


def _is_tight(line: PageLine, after: PageLine) -> bool:
    gap = line.box.bottom - after.box.top
    return -line.height < gap < _TIGHT * min(line.height, after.height)


def _is_heading(lines: Sequence[PageLine], group: list[int]) -> bool:
    """Whether these lines are short, and not a title inside of a table."""
    text = " ".join(lines[place].text for place in group)
    if len(group) > _MOST_LINES or len(text) > _LONGEST or text[-1] in ",;":
        return False
    if group[-1] + 1 == len(lines):
        return True
    line, after = lines[group[-1]], lines[group[-1] + 1]
    is_in_table = len(after.cells) > 1 and _is_tight(line, after)
    return not is_in_table or _is_numbered(text) or _is_statement(text)


def _is_statement(text: str) -> bool:
    return _STATEMENT_TITLE.fullmatch("".join(text.split())) is not None


def _ranks(lines: Sequence[PageLine], kinds: Sequence[int]) -> list[int]:
    """A level for each heading, by its first line and its kind."""
    above = len({kind for kind in kinds if kind})
    order = {kind: level for level, kind in enumerate(sorted({k for k in kinds if k}), 1)}
    styles = sorted({_style(line) for line, kind in zip(lines, kinds, strict=True) if not kind})
    levels = {style: min(above + place, _DEEPEST) for place, style in enumerate(styles, 1)}
    return [
        order[kind] if kind else levels[_style(line)]
        for line, kind in zip(lines, kinds, strict=True)
    ]


def _kind(text: str) -> int:
    """From 1: a part, an item, a note or a statement; 0: nothing of the kind."""
    if _is_statement(text):
        return len(_KINDS)
    return next((number for number, kind in enumerate(_KINDS, 1) if kind.match(text)), 0)


def _style(line: PageLine) -> tuple[float, bool]:
    """Sorts the weightier style first."""
    return -round(line.height), not line.text.isupper()
