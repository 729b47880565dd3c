"""Which elements of a page a reader never sees as text."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4.element import Tag

_DROPPED = frozenset(
    {
        "script", "style", "nav", "noscript", "template", "svg", "math", "head", "iframe", "object",
        "embed", "canvas", "audio", "video", "select", "button", "input", "textarea", "dialog",
    }
)  # fmt: skip
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def is_dropped(tag: "Tag") -> bool:
    """Whether `tag` and all below it are left out of the text."""
    hidden = tag.has_attr("hidden") or tag.get("aria-hidden") == "true"
    return tag.name in _DROPPED or hidden or bool(_HIDDEN.search(str(tag.get("style") or "")))
