"""Word styles: which paragraphs are headings, which text is hidden, which items are numbered."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.retrieval.loaders.office_package import attribute, child, is_on, local_name

if TYPE_CHECKING:
    from lxml import etree

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MAX_CHAIN = 50  # styles that are based on each other
_NUM_LEVELS = 9  # outline levels; the value after the last says that text is no heading


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What text has from a style, and a paragraph from its own properties; None: nothing said."""

    level: int | None = None  # of a heading, from 1; 0 for other text
    number_id: str | None = None
    number_level: int | None = None
    is_hidden: bool | None = None

    def over(self, base: "Style") -> "Style":
        """What is said here, and what `base` says of the rest."""
        return Style(
            level=base.level if self.level is None else self.level,
            number_id=base.number_id if self.number_id is None else self.number_id,
            number_level=base.number_level if self.number_level is None else self.number_level,
            is_hidden=base.is_hidden if self.is_hidden is None else self.is_hidden,
        )


class Styles:
    """The styles of a document, each with what it has from the one that it is based on."""

    def __init__(self, root: "etree._Element | None") -> None:
        found = () if root is None else [node for node in root if local_name(node) == "style"]
        self._nodes = {attribute(style, "styleId") or "": style for style in found}
        self._known: dict[str, Style] = {}
        default = next((style for style in found if _is_default_paragraph(style)), None)
        self._default = Style() if default is None else self._named(attribute(default, "styleId"))

    def of_paragraph(self, paragraph: "etree._Element") -> Style:
        """What counts for a paragraph."""
        own = child(paragraph, "pPr")
        if own is None:
            return self._default
        used = _value(own, "pStyle")
        style = self._default if used is None else self._named(used)
        return _paragraph_style(own).over(style)

    def hides(self, run: "etree._Element", *, by_default: bool | None) -> bool:
        """Whether the text of a run is hidden, by itself, by its style, or as its paragraph."""
        own = child(run, "rPr")
        if own is None:
            return bool(by_default)
        hidden = _is_hidden(own)
        if hidden is None:
            hidden = self._named(_value(own, "rStyle")).is_hidden
        return bool(by_default if hidden is None else hidden)

    def _named(self, name: str | None) -> Style:
        """The style `name`, worked out once; bases that form a ring end where it closes."""
        chain: list[str] = []
        following = name
        while (
            following in self._nodes
            and following not in self._known
            and (len(chain) < _MAX_CHAIN and following not in chain)
        ):
            chain.append(following)
            following = _value(self._nodes[following], "basedOn")
        style = self._known.get(following or "", Style())
        for each in reversed(chain):
            style = _own_style(self._nodes[each]).over(style)
            self._known[each] = style
        return style


def _is_default_paragraph(style: "etree._Element") -> bool:
    is_default = attribute(style, "default") in {"1", "true"}
    return is_default and attribute(style, "type") == "paragraph"


def _own_style(style: "etree._Element") -> Style:
    properties = child(style, "pPr")
    own = Style() if properties is None else _paragraph_style(properties)
    named = Style(level=_named_level(_value(style, "name") or ""), is_hidden=None)
    hidden = Style(is_hidden=_is_hidden(child(style, "rPr")))
    return own.over(named).over(hidden)


def _paragraph_style(properties: "etree._Element") -> Style:
    numbering = child(properties, "numPr")
    outline = _as_int(_value(properties, "outlineLvl"))
    return Style(
        level=None if outline is None else outline + 1 if outline < _NUM_LEVELS else 0,
        number_id=None if numbering is None else _value(numbering, "numId"),
        number_level=None if numbering is None else _as_int(_value(numbering, "ilvl")),
    )


def _is_hidden(properties: "etree._Element | None") -> bool | None:
    switch = child(properties, "vanish")
    return None if switch is None else is_on(switch)


def _named_level(name: str) -> int | None:
    heading = _HEADING.fullmatch(name)
    if heading:
        return int(heading[1])
    return 1 if name.lower() == "title" else None


def _value(element: "etree._Element", name: str) -> str | None:
    found = child(element, name)
    return None if found is None else attribute(found, "val")


def _as_int(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"\d{1,9}", value) else None
