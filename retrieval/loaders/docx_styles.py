"""Word styles: which paragraphs are headings, which text is hidden, which items are numbered."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.retrieval.loaders.office_package import attribute, child, is_on, local_name

if TYPE_CHECKING:
    from lxml import etree

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_NUM_LEVELS = 9  # outline levels; the value after the last says that text is no heading


@dataclass(frozen=True, slots=True, kw_only=True)
class ParagraphStyle:
    """What a paragraph has from its own properties or its style."""

    level: int = 0  # of a heading, from 1; 0 for other text
    number_id: str | None = None
    number_level: int | None = None


class Styles:
    """The styles of a document, each with what it has from the one that it is based on."""

    def __init__(self, root: "etree._Element | None") -> None:
        found = () if root is None else [node for node in root if local_name(node) == "style"]
        self._styles = {attribute(style, "styleId") or "": style for style in found}
        self._default = next(
            (
                attribute(style, "styleId")
                for style in found
                if attribute(style, "type") == "paragraph"
                and attribute(style, "default") in {"1", "true"}
            ),
            None,
        )
        self._chains: dict[str | None, list[etree._Element]] = {}

    def of_paragraph(self, paragraph: "etree._Element") -> ParagraphStyle:
        """What counts for a paragraph."""
        own = child(paragraph, "pPr")
        used = child(own, "pStyle")
        chain = self._chain(self._default if used is None else attribute(used, "val"))
        sources = [own, *(child(style, "pPr") for style in chain)]
        return ParagraphStyle(
            level=_outline_level(sources) or _named_level(chain),
            number_id=_first_value(sources, "numPr", "numId"),
            number_level=_as_int(_first_value(sources, "numPr", "ilvl")),
        )

    def hides(self, run: "etree._Element") -> bool:
        """Whether the text of a run is hidden, by itself or by a style."""
        own = child(run, "rPr")
        used = child(own, "rStyle")
        chain = self._chain(None if used is None else attribute(used, "val"))
        paragraph = run.getparent()
        while paragraph is not None and local_name(paragraph) != "p":
            paragraph = paragraph.getparent()
        block = child(paragraph, "pPr", "pStyle")
        outer = self._chain(self._default if block is None else attribute(block, "val"))
        for source in (own, *(child(style, "rPr") for style in (*chain, *outer))):
            switch = child(source, "vanish")
            if switch is not None:
                return is_on(switch)
        return False

    def _chain(self, name: str | None) -> "list[etree._Element]":
        """A style and those that it is based on, nearest first."""
        if name not in self._chains:
            chain: list[etree._Element] = []
            following = name
            while following is not None:
                style = self._styles.get(following)
                if style is None or style in chain:
                    break
                chain.append(style)
                base = child(style, "basedOn")
                following = None if base is None else attribute(base, "val")
            self._chains[name] = chain
        return self._chains[name]


def _outline_level(sources: "list[etree._Element | None]") -> int:
    level = _as_int(_first_value(sources, "outlineLvl"))
    return level + 1 if level is not None and 0 <= level < _NUM_LEVELS else 0


def _named_level(chain: "list[etree._Element]") -> int:
    for style in chain:
        named = child(style, "name")
        name = (attribute(named, "val") if named is not None else None) or ""
        heading = _HEADING.fullmatch(name)
        if heading:
            return int(heading[1])
        if name.lower() == "title":
            return 1
    return 0


def _first_value(sources: "list[etree._Element | None]", *path: str) -> str | None:
    for source in sources:
        found = child(source, *path)
        if found is not None:
            return attribute(found, "val")
    return None


def _as_int(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"\d{1,9}", value) else None
