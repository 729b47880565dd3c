"""Where sentences begin and end, by rule and with offsets; no model, no language data to fetch.

A blank line always ends a sentence, and so does a line break before a list item, a table row or a
heading. Abbreviations, initials, decimals and numbered items do not. It is made to never lose or
reorder a character: every non-space character lies in exactly one sentence.
"""

import re
from collections.abc import Iterator

# A full stop, possibly more, possibly closing quotes; then white space. CJK marks need none.
# Possessive, and only from the first mark on: long rows of dots must not cost their square.
_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]*_`]*+(?=\s)|[。！？]++[”’」』）]*+")
# A new block: a blank line, or a line that starts as an item, a row, a heading or a quotation.
_BREAK = re.compile(
    r"\n[ \t]*(?:\n\s*|(?=[-*+•·▪►][ \t]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)][ \t]|[|#>]))"
)
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘])([^\s(\[\"'“‘]*)$")
_LOWER_NEXT = re.compile(r"\s++[\"'“‘(\[]*[a-z]")
_ITEM_NUMBER = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlc]{1,5})\.$")
_ABBREVIATIONS = re.compile(
    r"(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|e\.g|i\.e|eg|ie|cf|al|approx|dept|est|figs?|eqs?|nos?|vols?"
    r"|ch|secs?|pp|eds?|inc|ltd|co|corp|llc|plc|bros|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
    r"|mon|tue|wed|thu|fri|sat|a\.m|p\.m|u\.s|u\.k|u\.n|e\.u|ph\.d|m\.d|b\.a|m\.a|gen|col|capt|lt"
    r"|sgt|rev|hon|gov|sen|rep|art|para|ref|resp|incl|max|min|viz|ca)$",
    re.IGNORECASE,
)
_LOOK_BACK = 40  # characters; longer words are no abbreviations


def sentence_ranges(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The sentences of `text[start:end]`, as ranges without surrounding white space.

    Example:
        >>> sentence_ranges("It rose 3.5 %. Dr. No left.")
        [(0, 14), (15, 27)]
    """
    end = len(text) if end is None else end
    ranges: list[tuple[int, int]] = []
    begun = start
    for cut in _cuts(text, start, end):
        _append_trimmed(ranges, text, begun, cut)
        begun = cut
    _append_trimmed(ranges, text, begun, end)
    return ranges


def _cuts(text: str, start: int, end: int) -> list[int]:
    breaks = [match.end() for match in _BREAK.finditer(text, start, end)]
    stops = [match.end() for match in _stops(text, start, end)]
    return sorted({*breaks, *stops})


def _stops(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    for match in _STOP.finditer(text, start, end):
        if match.group()[0] != "." or not _is_inside(text, match, start):
            yield match


def _is_inside(text: str, stop: re.Match[str], start: int) -> bool:
    """Whether this full stop belongs to an abbreviation, an initial or a numbered item."""
    if _LOWER_NEXT.match(text, stop.end()):
        return True
    seen_from = max(start, stop.start() - _LOOK_BACK)
    before = text[seen_from : stop.start()].rpartition("\n")[2]
    found = _LAST_WORD.search(before)
    word = found[1] if found else before
    if len(stop.group()) > 1:
        return False
    if not before.strip().removesuffix(word).strip() and _ITEM_NUMBER.match(f"{word}."):
        return True
    is_initial = len(word) == 1 and word.isalpha() and word.isupper()
    return is_initial or _ABBREVIATIONS.match(word) is not None


def _append_trimmed(ranges: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    trimmed = trim(text, start, end)
    if trimmed:
        ranges.append(trimmed)


def trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """`[start, end)` without white space at its ends; None where nothing is left."""
    piece = text[start:end]
    stripped = piece.lstrip()
    if not stripped:
        return None
    left = start + len(piece) - len(stripped)
    return left, left + len(stripped.rstrip())
