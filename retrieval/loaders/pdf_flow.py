"""From lines on pages to running text: paragraphs joined, tables and titles left as they stand.

A line break that the page's width forced becomes a space; one that the author made stays. The test
is the typesetter's own: had the next word fitted on the line, the break was meant.
"""

import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from quoth.retrieval.documents import Heading
from quoth.retrieval.loaders.pdf_furniture import Page
from quoth.retrieval.loaders.pdf_headings import HeadingLines, heading_lines
from quoth.retrieval.loaders.pdf_lines import PageLine
from quoth.retrieval.loaders.pdf_tables import is_label_of

_BULLET = re.compile(r"(?:[•·▪►■□☐☒●○–—*-]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)])\s")
_NUMBER = re.compile(r"[($€£¥]*[-–+]?\d(?:[\d,.]*\d)?[%)]*$|[$€£¥%—–-]+\)?$|\)$")
_WORDS = re.compile(r"[^\W\d_]+")
_TABLE_SHARE = 0.34
_NEW_PARAGRAPH = 0.5  # of a line's height, beyond the usual gap
_SAME_ROW = 0.5  # of a line's height
_INDENT = 0.8  # of a line's height
_OTHER_SIZE = 1.15
_SAME_LEFT = 1.0  # points
_SLACK = 0.3  # of a line's height: a space, and what justifying and rounding take
_NEARLY_FULL = 0.66  # of the column's width
_FINISHED = frozenset('.:;!?”"')
_LONGEST_WORD = 64  # characters
_PAGE_BREAK = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFlow:
    """The text of all pages, where each page begins, and a row for `word_boxes` per word."""

    text: str
    page_starts: tuple[int, ...]
    words: "array[float]"  # seven values a word
    headings: list[Heading]


def flow_pages(pages: Sequence[Page]) -> PageFlow:
    """Join lines to paragraphs, page by page."""
    blocks = [(number, block) for number, page in enumerate(pages, 1) for block in page if block]
    lines = [line for _, block in blocks for line in block]
    numbers = [number for number, block in blocks for _ in block]
    titles = heading_lines(lines)
    separators = _all_separators(blocks, lines, titles)
    pieces: list[str] = []
    words = array("d")
    starts: list[int] = []
    page_starts: list[int] = []
    length = 0
    for number, line, separator in zip(numbers, lines, separators, strict=True):
        page_starts += [length] * (number - len(page_starts))
        starts.append(length)
        for start, end, box in line.words():
            words.extend((length + start, length + end, number, *box))
        pieces.append(line.text + separator)
        length += len(pieces[-1])
    page_starts += [length] * (len(pages) - len(page_starts))
    text = "".join(pieces)
    headings = [_heading(text, lines, starts, title) for title in titles]
    return PageFlow(text=text, page_starts=tuple(page_starts), words=words, headings=headings)


def _heading(
    text: str, lines: Sequence[PageLine], starts: Sequence[int], title: HeadingLines
) -> Heading:
    start, end = starts[title.first], starts[title.last - 1] + len(lines[title.last - 1].text)
    return Heading(start=start, end=end, level=title.level, title=" ".join(text[start:end].split()))


def _all_separators(
    blocks: Sequence[tuple[int, list[PageLine]]],
    lines: Sequence[PageLine],
    titles: Sequence[HeadingLines],
) -> list[str]:
    """What follows each line of the document."""
    vocabulary = _vocabulary(lines)
    separators: list[str] = []
    for place, (number, block) in enumerate(blocks):
        separators += _separators(block, vocabulary)
        after, after_block = blocks[place + 1] if place + 1 < len(blocks) else (0, [])
        if after_block:
            is_page = after != number
            separators[-1] = _between_blocks(block[-1], after_block[0], vocabulary, is_page=is_page)
    for title in titles:
        for place in (title.first - 1, title.last - 1):
            if 0 <= place < len(separators) - 1 and "\n" not in separators[place]:
                separators[place] = "\n"
        inner = range(title.first, title.last - 1)
        for place in inner:
            separators[place] = " " if not lines[place].is_broken else separators[place]
    return separators


def _between_blocks(
    line: PageLine, after: PageLine, vocabulary: frozenset[str], *, is_page: bool
) -> str:
    """What stands between columns and pages: nothing, if a sentence goes on."""
    if line.is_broken:
        return _hyphen(line, after, vocabulary)
    is_open = line.text[-1] not in _FINISHED and not line.is_data_row
    if is_open and after.text[0].islower() and not after.is_data_row:
        return " "
    return _PAGE_BREAK if is_page else "\n"


def _separators(lines: Sequence[PageLine], vocabulary: frozenset[str]) -> list[str]:
    """What follows each line of a block: a space, a hyphen, nothing, a line break, a blank line."""
    gap = _usual_gap(lines)
    margins = _right_margins(lines)
    separators = []
    for place, (line, after) in enumerate(pairwise(lines)):
        if line.is_broken:
            separators.append(_hyphen(line, after, vocabulary))
        elif not _goes_down(line, after):
            separators.append("\n")
        elif _is_row(after) and is_label_of(line, after):
            separators.append(" ")
        elif _is_new_paragraph(line, after, gap):
            separators.append("\n\n")
        else:
            separators.append(" " if _was_forced(line, after, margins[place]) else "\n")
    return [*separators, "-" if lines[-1].is_broken else ""]


def _usual_gap(lines: Sequence[PageLine]) -> float:
    """Between a line and the next one below it, in points."""
    downward = (pair for pair in pairwise(lines) if _goes_down(*pair))
    gaps = [line.box.bottom - after.box.top for line, after in downward]
    return median(gaps) if gaps else 0.0


def _right_margins(lines: Sequence[PageLine]) -> list[float]:
    """How far to the right each line could have gone: as far as any line of its column went."""
    margins = []
    for line in lines:
        near = 3 * line.height
        column = [
            other.cells[0].box.right if other.is_data_row else other.box.right
            for other in lines
            if abs(other.box.left - line.box.left) <= near
        ]
        margins.append(max(column))
    return margins


def _goes_down(line: PageLine, after: PageLine) -> bool:
    height = min(line.height, after.height)
    return after.box.top < line.box.top - _SAME_ROW * height and _overlap(line, after)


def _overlap(line: PageLine, after: PageLine) -> bool:
    return line.box.left < after.box.right and after.box.left < line.box.right


def _is_new_paragraph(line: PageLine, after: PageLine, usual_gap: float) -> bool:
    low, high = sorted((line.height, after.height))
    gap = line.box.bottom - after.box.top
    return gap > usual_gap + _NEW_PARAGRAPH * low or high > _OTHER_SIZE * low


def _was_forced(line: PageLine, after: PageLine, margin: float) -> bool:
    """Whether the break between two lines of one block is the page's and not the author's."""
    if _BULLET.match(after.text) or _is_row(line) or _is_row(after):
        return False
    if _are_rows_of_texts(line, after):
        return False
    is_indented = after.box.left - line.box.left > _INDENT * line.height
    if is_indented and not _BULLET.match(line.text):
        return False
    is_finished = line.text[-1] in _FINISHED
    width = margin - line.box.left
    goes_on = not is_finished and after.text[0].islower()
    if goes_on and line.box.right - line.box.left > _NEARLY_FULL * width:
        return True
    # words may be tied to the next one ("$4.1 billion", "Note 10") unless a sentence ends here
    tied = after.cells[0].words[: 1 if is_finished else 2]
    needed = tied[-1].box.right - tied[0].box.left
    return line.box.right + needed > margin - _SLACK * line.height


def _are_rows_of_texts(line: PageLine, after: PageLine) -> bool:
    """Whether a cell below the first column stands right below one of the line above."""
    lefts = [cell.box.left for cell in line.cells[1:]]
    return any(abs(cell.box.left - left) < _SAME_LEFT for cell in after.cells[1:] for left in lefts)


def _is_row(line: PageLine) -> bool:
    """Whether it is a row of numbers, by its cells or by its words."""
    if line.is_data_row:
        return True
    words = line.text.split()
    numbers = [bool(_NUMBER.match(word)) for word in words]
    return sum(numbers) >= 2 and (all(numbers[-2:]) or sum(numbers) >= _TABLE_SHARE * len(words))


def _vocabulary(lines: Sequence[PageLine]) -> frozenset[str]:
    """All words of the document, in small letters, if a broken word needs them."""
    if not any(line.is_broken for line in lines):
        return frozenset()
    return frozenset(
        word.lower()
        for line in lines
        for word in _WORDS.findall(line.text)[: -1 if line.is_broken else None]
    )


def _hyphen(line: PageLine, after: PageLine, vocabulary: frozenset[str]) -> str:
    """Whether a word that was broken at the end of a line has a hyphen of its own.

    It has if both parts are words of the document and the whole is not, or if a part is no plain
    word in small letters ("Non-GAAP", "S-T").
    """
    left, right = _last_word(line.text), _first_word(after.text)
    joined = unicodedata.is_normalized("NFC", left + right)
    if not (left and right and right.islower() and left[1:].islower() and joined):
        return "-"
    if left + right in vocabulary or (left + right).lower() in vocabulary:
        return ""
    return "-" if left.lower() in vocabulary and right in vocabulary else ""


def _last_word(text: str) -> str:
    found = re.search(r"[^\W\d_]+$", text[-_LONGEST_WORD:])
    return found.group() if found else ""


def _first_word(text: str) -> str:
    found = re.match(r"[^\W\d_]+", text[:_LONGEST_WORD])
    return found.group() if found else ""
