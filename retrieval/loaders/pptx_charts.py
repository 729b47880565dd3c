"""What charts and diagrams say: titles, and the values that were stored with them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from quoth.retrieval.loaders.cell_formats import GENERAL, shown_number
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.office_package import child

if TYPE_CHECKING:
    from lxml import etree

_MAX_POINTS = 200  # of one series; more is data, not a picture


def chart_lines(root: "etree._Element") -> Iterator[str]:
    """The title of a chart, then a line for each series: "Revenue: 2022: 5.1 | 2023: 5.2"."""
    title = child(root, "chart", "title")
    if title is not None:
        text = one_line(" ".join(node.text or "" for node in title.iter("{*}t")))
        if text:
            yield text
    for series in root.iter("{*}ser"):
        name = " ".join(_points(child(series, "tx")).values())
        labels = _points(child(series, "cat"))
        values = _points(child(series, "val"))
        shown = [
            f"{labels[at]}: {value}" if labels.get(at) else value
            for at, value in list(values.items())[:_MAX_POINTS]
        ]
        line = ": ".join(part for part in (name, " | ".join(shown)) if part)
        if line:
            yield line


def diagram_lines(root: "etree._Element") -> Iterator[str]:
    """The texts of a SmartArt diagram."""
    for point in root.iter("{*}pt"):
        text = one_line(" ".join(node.text or "" for node in point.iter("{*}t")))
        if text:
            yield text


def _points(source: "etree._Element | None") -> dict[str, str]:
    """Stored values by their places, as their format shows them."""
    if source is None:
        return {}
    code = next((node.text for node in source.iter("{*}formatCode")), None) or GENERAL
    is_number = next(source.iter("{*}numCache", "{*}numLit"), None) is not None
    return {
        point.get("idx", ""): _shown("".join(point.itertext()).strip(), code, is_number=is_number)
        for point in source.iter("{*}pt")
    }


def _shown(raw: str, code: str, *, is_number: bool) -> str:
    try:
        value = float(raw) if is_number else math.nan
    except ValueError:
        value = math.nan
    return one_line(shown_number(value, code) if math.isfinite(value) else raw)
