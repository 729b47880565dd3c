"""The numbers and bullets of Word's lists, which stand nowhere in its text."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.loaders.docx_styles import Style
from quoth.retrieval.loaders.office_package import attribute, child, local_name

if TYPE_CHECKING:
    from lxml import etree

_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_MAX_ROMAN = 5000
_DEPTHS = frozenset("012345678")
_MAX_PATTERN = 80  # characters
_NUM_LETTERS = 26


@dataclass(frozen=True, slots=True)
class _Level:
    kind: str
    pattern: str  # "%1.%2" stands for the numbers of the first two levels
    start: int


@dataclass(slots=True)
class _List:
    """The lists of one numbering definition count together."""

    levels: dict[int, _Level]
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the items of a document in the order in which they are asked for."""

    def __init__(self, root: "etree._Element | None") -> None:
        nodes = [] if root is None else list(root)
        abstract = {
            attribute(node, "abstractNumId"): _List(_levels(node))
            for node in nodes
            if local_name(node) == "abstractNum"
        }
        self._lists: dict[str, _List] = {}
        self._restarts: dict[tuple[str, int], int] = {}
        for node in nodes:
            used = child(node, "abstractNumId")
            shared = abstract.get(attribute(used, "val")) if used is not None else None
            if local_name(node) == "num" and shared is not None:
                number_id = attribute(node, "numId") or ""
                self._lists[number_id] = shared
                self._restarts.update(_restarts(number_id, node))

    def label(self, style: Style) -> str:
        """What stands before the paragraph: "-", "3.", "2.1"; empty where nothing does."""
        known = self._lists.get(style.number_id or "")
        depth = style.number_level or 0
        level = known.levels.get(depth) if known else None
        if known is None or level is None:
            return ""
        if level.kind == "bullet":
            return "-"
        self._count(known, style.number_id or "", depth)
        return "" if level.kind == "none" else _label(known, level)

    def _count(self, known: _List, number_id: str, depth: int) -> None:
        restart = self._restarts.pop((number_id, depth), None)
        if restart is not None:
            known.counts[depth] = restart
        else:
            before = known.levels[depth].start - 1
            known.counts[depth] = known.counts.get(depth, before) + 1
        known.counts = {at: count for at, count in known.counts.items() if at <= depth}


def _levels(definition: "etree._Element") -> dict[int, _Level]:
    levels = {}
    for node in definition:
        depth = attribute(node, "ilvl")
        if local_name(node) == "lvl" and depth in _DEPTHS:
            levels[int(depth)] = _Level(
                kind=_value(node, "numFmt") or "decimal",
                pattern=(_value(node, "lvlText") or "")[:_MAX_PATTERN],
                start=_number(_value(node, "start"), 1),
            )
    return levels


def _restarts(number_id: str, num: "etree._Element") -> dict[tuple[str, int], int]:
    """Where a list does not go on counting from the one before."""
    return {
        (number_id, _number(attribute(node, "ilvl"), 0)): _number(start, 1)
        for node in num
        if local_name(node) == "lvlOverride"
        and (start := _value(node, "startOverride")) is not None
    }


def _value(node: "etree._Element", name: str) -> str | None:
    found = child(node, name)
    return None if found is None else attribute(found, "val")


def _number(value: str | None, default: int) -> int:
    return int(value) if value and re.fullmatch(r"\d{1,9}", value) else default


def _label(known: _List, level: _Level) -> str:
    def shown(match: re.Match[str]) -> str:
        depth = int(match[1]) - 1
        outer = known.levels.get(depth)
        if outer is None:
            return ""
        return _as_shown(known.counts.get(depth, outer.start), outer.kind)

    return " ".join(canonical_text(_PLACE.sub(shown, level.pattern)).split())


def _as_shown(number: int, kind: str) -> str:
    if kind in {"lowerLetter", "upperLetter"} and number > 0:
        letter = chr(ord("a") + (number - 1) % _NUM_LETTERS)
        letters = letter * min(9, (number - 1) // _NUM_LETTERS + 1)
        return letters if kind == "lowerLetter" else letters.upper()
    if kind in {"lowerRoman", "upperRoman"} and 0 < number < _MAX_ROMAN:
        return _roman(number).lower() if kind == "lowerRoman" else _roman(number)
    return f"{number:02}" if kind == "decimalZero" else str(number)


def _roman(number: int) -> str:
    letters = []
    for value, letter in _ROMAN:
        letters.append(letter * (number // value))
        number %= value
    return "".join(letters)
