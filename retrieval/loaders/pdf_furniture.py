"""Running heads, running feet and page numbers: found because they come again, and left out."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from quoth.retrieval.loaders.pdf_lines import PageLine

_DIGITS = re.compile(r"\d+|\b[ivxl]+\b")
_OTHER_WORDS = re.compile(r"(?!page\b|of\b)[^\W\d_]{2,}")
_DEEPEST = 4  # lines from the edge
_LONGEST = 160  # characters
_FEWEST = 3  # pages
_ENOUGH = 10
_SHARE = 0.15  # of the pages

Page = list[list[PageLine]]  # blocks of lines


def without_furniture(pages: Sequence[Page]) -> list[Page]:
    """The pages without what stands at the top or bottom of many of them.

    Of words that come again, the first stays: a running head may be the only title of a chapter.
    Of lines with numbers in them, such as page numbers, none stays.
    """
    counts = Counter(
        key for page in pages for key in {*_edge(page, 1), *(f"\n{k}" for k in _edge(page, -1))}
    )
    repeated = {key for key, count in counts.items() if count >= _needed(key, len(pages))}
    seen: set[str] = set()
    cleaned = []
    for page in pages:
        edges = (_repeated(page, 1, repeated), _repeated(page, -1, repeated))
        dropped = {id(line) for lines in edges for line in lines if _comes_again(line, seen)}
        blocks = [[line for line in block if id(line) not in dropped] for block in page]
        kept = [block for block in blocks if block]
        cleaned.append(kept or page)  # a page of nothing else is about that
    return cleaned


def _needed(key: str, num_pages: int) -> float:
    """On how many pages it must stand: forms that are filled in often repeat their first words."""
    is_page_number = not _OTHER_WORDS.search(key)
    return max(_FEWEST, min(_ENOUGH, _SHARE * num_pages) if is_page_number else _SHARE * num_pages)


def _repeated(page: Page, step: int, repeated: set[str]) -> list[PageLine]:
    """The lines from one edge as far as they come again."""
    lines = []
    mark = "" if step > 0 else "\n"
    for line in _lines(page, step):
        if mark + _key(line) not in repeated:
            break
        lines.append(line)
    return lines


def _comes_again(line: PageLine, seen: set[str]) -> bool:
    key = _key(line)
    is_new = "#" not in key and key not in seen
    seen.add(key)
    return not is_new


def _edge(page: Page, step: int) -> list[str]:
    return [_key(line) for line in _lines(page, step)]


def _lines(page: Page, step: int) -> list[PageLine]:
    """The lines next to an edge, from there inwards; the rows of a table are none of them."""
    lines = [line for block in page for line in block]
    edge = lines[:_DEEPEST] if step > 0 else lines[: -_DEEPEST - 1 : -1]
    return list(takewhile(lambda line: sum(cell.is_numeric for cell in line.cells) < 2, edge))


def _key(line: PageLine) -> str:
    return _DIGITS.sub("#", line.text[:_LONGEST].lower())
