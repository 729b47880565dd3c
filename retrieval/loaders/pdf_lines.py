"""The lines of one PDF page: clean text, and where each word stands.

Characters are cleaned one by one, as `canonical_text` would clean them together, so that every
character of the result is known to come from one box of the page.
"""

import ctypes
import unicodedata
from dataclasses import dataclass
from typing import Any, NamedTuple

from quoth.retrieval.canonical import canonical_text

_NEWLINES = frozenset("\r\n\v\f\x85\u2028\u2029")
_FIRST_MARK = "\u0300"  # no character before it is ever composed with what precedes
_BROKEN_WORD = frozenset("\ufffe\x02")  # PDFium's mark for a hyphen at the end of a line


class Box(NamedTuple):
    """Points, origin bottom left."""

    left: float
    bottom: float
    right: float
    top: float


Letter = tuple[str, Box]  # a character, and where it stands


class Word(NamedTuple):
    """`line.text[start:end]` stands at `box`."""

    start: int
    end: int
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLine:
    """A line that holds at least one word."""

    text: str
    words: tuple[Word, ...]
    box: Box
    is_broken: bool  # it ended in a hyphen, which `text` does not hold

    @property
    def height(self) -> float:
        """Of the line, in points."""
        return self.box.top - self.box.bottom


def page_lines(textpage: Any) -> list[PageLine]:  # noqa: ANN401 - untyped library
    """The lines of a pypdfium2 text page, in the order in which the page draws them."""
    lines: list[PageLine] = []
    letters: list[Letter] = []
    for letter, box in _letters(textpage):
        if letter in _NEWLINES or letter in _BROKEN_WORD:
            _append_line(lines, letters, is_broken=letter in _BROKEN_WORD)
            letters = []
        else:
            letters.append((letter, box))
    _append_line(lines, letters, is_broken=False)
    return lines


def _letters(textpage: Any) -> list[Letter]:  # noqa: ANN401 - untyped library
    """Every character of the page with its box; surrogates joined."""
    from pypdfium2 import raw

    rect = raw.FS_RECTF()
    reference = ctypes.byref(rect)
    unicode_at, box_at = raw.FPDFText_GetUnicode, raw.FPDFText_GetLooseCharBox
    handle = textpage.raw
    letters = []
    high = 0
    for place in range(textpage.count_chars()):
        code = unicode_at(handle, place)
        box_at(handle, place, reference)
        box = Box(rect.left, rect.bottom, rect.right, rect.top)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        if code <= 0x10FFFF:
            letters.append((chr(code), box))
    return letters


def _append_line(lines: list[PageLine], letters: list[Letter], *, is_broken: bool) -> None:
    cleaned = _cleaned(letters)
    text = "".join(letter for letter, _ in cleaned)
    words = tuple(_words(cleaned))
    if words:
        box = _around([word.box for word in words])
        lines.append(PageLine(text=text, words=words, box=box, is_broken=is_broken))


def _cleaned(letters: list[Letter]) -> list[Letter]:
    """Canonical characters, single spaces, none at the ends."""
    cleaned: list[Letter] = []
    group: list[Letter] = []  # one character and what may be composed with it
    for letter in letters:
        if letter[0] >= _FIRST_MARK and _joins(letter[0]):
            group.append(letter)
            continue
        _append_canonical(cleaned, group)
        group = [letter]
    _append_canonical(cleaned, group)
    if cleaned and cleaned[-1][0] == " ":
        cleaned.pop()
    return cleaned


def _joins(letter: str) -> bool:
    """Whether normalisation may compose this character with the one before it."""
    return unicodedata.combining(letter) > 0 or "\u1160" <= letter <= "\u11ff"


def _append_canonical(cleaned: list[Letter], group: list[Letter]) -> None:
    if len(group) == 1 and "!" <= group[0][0] <= "~":
        cleaned.append(group[0])
        return
    text = canonical_text("".join(letter for letter, _ in group))
    for place, letter in enumerate(text):
        box = group[min(place, len(group) - 1)][1]
        if not letter.isspace():
            cleaned.append((letter, box))
        elif cleaned and cleaned[-1][0] != " ":
            cleaned.append((" ", box))


def _words(letters: list[Letter]) -> list[Word]:
    words = []
    start = 0
    for place in range(len(letters) + 1):
        if place == len(letters) or letters[place][0] == " ":
            if place > start:
                box = _around([box for _, box in letters[start:place]])
                words.append(Word(start, place, box))
            start = place + 1
    return words


def _around(boxes: list[Box]) -> Box:
    """The smallest box around all of them; those without an area count only if all are so."""
    solid = [box for box in boxes if box[2] > box[0] and box[3] > box[1]] or boxes
    lefts, bottoms, rights, tops = zip(*solid, strict=True)
    return Box(min(lefts), min(bottoms), max(rights), max(tops))
