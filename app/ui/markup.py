"""HTML that is escaped by construction.

`element` escapes every string it is given, children and attribute values alike; only `Html`, which
nothing but this module makes, passes as it is. The names of tags and attributes come from this
package's own code and are checked all the same.
"""

import html
import re
from typing import Final

_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


class Html(str):
    """A string that is markup already. Made by `element` and `join` only."""

    __slots__ = ()


def escape(text: str) -> Html:
    """`text` as it reads, safe between tags and inside a quoted attribute."""
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def join(*parts: str) -> Html:
    """The parts one after another, each escaped unless it is markup."""
    return Html("".join(escape(part) for part in parts))


def element(tag: str, *children: str, **attributes: str | int | None) -> Html:
    """`<tag attribute="...">children</tag>` with everything escaped.

    An attribute is written `class_`, `data_ref`, `aria_label`: a trailing underscore falls away,
    the others become hyphens. None leaves it out.

    Raises:
        ValueError: The tag or an attribute is not a plain lower-case name.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    return Html(f"<{_checked(tag)}{written}>{join(*children)}</{tag}>")


def _attribute(name: str, value: str | int | None) -> str:
    if value is None:
        return ""
    written = _checked(name.rstrip("_").replace("_", "-"))
    return f' {written}="{html.escape(str(value), quote=True)}"'


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a tag or attribute: {name!r}")
    return name
