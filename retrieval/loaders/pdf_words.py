"""The words of one PDF page: clean text, where each stands, and how it is set.

Each word is cleaned as `canonical_text` would clean the whole, so that every character of the
result is known to come from one word of the page.
"""

import ctypes
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from quoth.retrieval.canonical import canonical_text

_BROKEN_WORD = frozenset("\ufffe\x02")  # PDFium's mark for a hyphen at the end of a line
_WORD = re.compile("[^\\s\ufffe\x02]+")
_ENDS_LINE = re.compile("[\r\n\v\f\x85\u2028\u2029\ufffe\x02]")
_BOLD = (b"bold", b"black", b"heavy", b"semibd", b"demi")
_LONGEST_NAME = 256  # bytes, of a font


class Box(NamedTuple):
    """Points, origin bottom left."""

    left: float
    bottom: float
    right: float
    top: float


class PageWord(NamedTuple):
    """A word as it is drawn."""

    text: str
    box: Box
    size: float  # height of its first character, in points
    is_bold: bool
    is_broken: bool  # a hyphen followed, which `text` does not hold


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box around all of them; those without an area count only if all are so."""
    solid = [box for box in boxes if box[2] > box[0] and box[3] > box[1]] or boxes
    lefts, bottoms, rights, tops = zip(*solid, strict=True)
    return Box(min(lefts), min(bottoms), max(rights), max(tops))


def page_runs(textpage: Any) -> list[list[PageWord]]:  # noqa: ANN401 - untyped library
    """The words of a pypdfium2 text page, in the order in which it draws them.

    A run ends where PDFium ends a line: at the end of one, but in a table or in justified text
    between any two words too.
    """
    page = _Page(textpage)
    text, places = page.text()
    runs: list[list[PageWord]] = [[]]
    end = 0
    for match in _WORD.finditer(text):
        if runs[-1] and _ENDS_LINE.search(text, end, match.start()):
            runs.append([])
        start, end = match.span()
        is_broken = text[end : end + 1] in _BROKEN_WORD
        runs[-1] += page.words(match.group(), places[start:end], is_broken=is_broken)
    return runs if runs[-1] else runs[:-1]


class _Page:
    """PDFium's calls for one text page."""

    def __init__(self, textpage: Any) -> None:  # noqa: ANN401 - untyped library
        from pypdfium2 import raw

        self._handle = textpage.raw
        self._num_letters = textpage.count_chars()
        self._text_of, self._buffer_of = raw.FPDFText_GetText, _as_shorts
        self._unicode_at = raw.FPDFText_GetUnicode
        self._box_at = raw.FPDFText_GetLooseCharBox
        self._font_at = raw.FPDFText_GetFontInfo
        self._rect = raw.FS_RECTF()
        self._rect_reference = ctypes.byref(self._rect)
        self._name = ctypes.create_string_buffer(_LONGEST_NAME)
        self._flags = ctypes.byref(ctypes.c_int())

    def text(self) -> tuple[str, Sequence[int]]:
        """All characters, and the number of each at PDFium; surrogates joined."""
        buffer = ctypes.create_string_buffer(2 * (self._num_letters + 1))
        written = self._text_of(self._handle, 0, self._num_letters, self._buffer_of(buffer))
        text = buffer.raw[: 2 * max(written - 1, 0)].decode("utf-16-le", "replace")
        if len(text) == self._num_letters:  # else PDFium left some out, or surrogates are in it
            return text, range(self._num_letters)
        letters = list(self._letters())
        return "".join(letter for _, letter in letters), [place for place, _ in letters]

    def _letters(self) -> Iterator[tuple[int, str]]:
        high = 0
        for place in range(self._num_letters):
            code = self._unicode_at(self._handle, place)
            if 0xD800 <= code < 0xDC00:
                high = code
                continue
            if 0xDC00 <= code < 0xE000 and high:
                code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
            high = 0
            if code <= 0x10FFFF:
                yield place, chr(code)

    def words(self, text: str, places: Sequence[int], *, is_broken: bool) -> list[PageWord]:
        """No word, one, or several where a character turns into some with a space."""
        found = [text]
        if not text.isascii() or not text.isprintable():
            found = canonical_text(text).split()
        if not found:
            return []
        first, last = self._box(places[0]), self._box(places[-1])
        box = Box(
            min(first[0], last[0]),
            min(first[1], last[1]),
            max(first[2], last[2]),
            max(first[3], last[3]),
        )
        if min(first[2] - first[0], last[2] - last[0]) <= 0 or first[3] <= first[1]:
            box = around([self._box(place) for place in places])
        size, is_bold = first[3] - first[1], self._is_bold(places[0])
        if len(found) == 1:
            return [PageWord(found[0], box, size, is_bold, is_broken)]
        return [
            PageWord(word, box, size, is_bold, is_broken and word is found[-1]) for word in found
        ]

    def _box(self, place: int) -> Box:
        rect = self._rect
        self._box_at(self._handle, place, self._rect_reference)
        return Box(rect.left, rect.bottom, rect.right, rect.top)

    def _is_bold(self, place: int) -> bool:
        self._font_at(self._handle, place, self._name, _LONGEST_NAME, self._flags)
        return _names_bold(self._name.value)


@cache
def _names_bold(name: bytes) -> bool:
    return any(mark in name.lower() for mark in _BOLD)


def _as_shorts(buffer: Any) -> Any:  # noqa: ANN401 - ctypes
    return ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))


def is_right_to_left(text: str) -> bool:
    """Whether it holds a letter of a script that runs from right to left."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text)
