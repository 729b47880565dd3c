"""The colours that tell sources apart: eight for passages, one for the turns of the conversation.

A `fill` lies behind text of the page's normal colour; an `ink` writes numbers and underlines on the
page's background. Both keep a contrast of 4.5:1 (WCAG 2.2, 1.4.3), in the light and the dark theme.
Colour is never the only sign: every copied span also carries its source's number.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Shade:
    """One colour in one theme, as `#rrggbb`."""

    fill: str
    ink: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """One colour in both themes."""

    name: str
    light: Shade
    dark: Shade


PAGE_LIGHT: Final = Shade("#fcfbf8", "#1f2328")  # background and text of the page
PAGE_DARK: Final = Shade("#16171b", "#e8e6e1")

COLOURS: Final = (
    Colour(name="blue", light=Shade("#d2e5fd", "#1d4fc4"), dark=Shade("#1f3b6d", "#93bdfd")),
    Colour(name="amber", light=Shade("#fbe9bd", "#875a00"), dark=Shade("#573f0c", "#f5ce57")),
    Colour(name="green", light=Shade("#d0f2da", "#11703a"), dark=Shade("#184a2d", "#7fe0a2")),
    Colour(name="pink", light=Shade("#fcdcea", "#b8195f"), dark=Shade("#671f42", "#f7a3cb")),
    Colour(name="violet", light=Shade("#ead8fb", "#6a2fc9"), dark=Shade("#432c77", "#c0adfb")),
    Colour(name="teal", light=Shade("#c6efee", "#0b6b74"), dark=Shade("#124a50", "#62dbe2")),
    Colour(name="orange", light=Shade("#fddccb", "#b73d0a"), dark=Shade("#682d14", "#fb9f6b")),
    Colour(name="lime", light=Shade("#e4f1b4", "#52700a"), dark=Shade("#3c4d12", "#bfe35a")),
)
TURN: Final = Colour(
    name="slate", light=Shade("#e3e6ec", "#4d5868"), dark=Shade("#383f4c", "#c3cad6")
)


def colour_class(number: int) -> str:
    """The CSS class for the passage with this number of the prompt (from 1); colours come round."""
    return f"q-c{(number - 1) % len(COLOURS) + 1}"


TURN_CLASS: Final = "q-c0"


def stylesheet() -> str:
    """CSS custom properties for the page and one class for each colour."""
    rules = [
        f":root {{ --q-page: {PAGE_LIGHT.fill}; --q-text: {PAGE_LIGHT.ink}; }}",
        f".dark {{ --q-page: {PAGE_DARK.fill}; --q-text: {PAGE_DARK.ink}; }}",
    ]
    for number, colour in enumerate((TURN, *COLOURS)):
        light, dark = colour.light, colour.dark
        rules.append(f".q-c{number} {{ --fill: {light.fill}; --ink: {light.ink}; }}")
        rules.append(f".dark .q-c{number} {{ --fill: {dark.fill}; --ink: {dark.ink}; }}")
    return "\n".join(rules) + "\n"
