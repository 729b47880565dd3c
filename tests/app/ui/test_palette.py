from itertools import combinations

import pytest

from quoth.app.ui.palette import COLOURS, PAGE_DARK, PAGE_LIGHT, TURN, colour_class, stylesheet

THEMES = {"light": PAGE_LIGHT, "dark": PAGE_DARK}
EVERY = [(theme, colour) for theme in THEMES for colour in (*COLOURS, TURN)]
NAMED = [f"{theme}-{colour.name}" for theme, colour in EVERY]


def channels(colour: str) -> list[float]:
    """Linear red, green and blue, 0 to 1 (IEC 61966-2-1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21."""
    bright, dim = sorted(
        (0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(channels, (one, other))),
        reverse=True,
    )
    return (bright + 0.05) / (dim + 0.05)


def lab(colour: str) -> list[float]:
    """Oklab coordinates (Björn Ottosson, 2020)."""
    r, g, b = channels(colour)
    l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)  # noqa: E741
    m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return [
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    ]


def test_there_are_at_least_eight_colours():
    assert len({colour.name for colour in COLOURS}) == len(COLOURS) >= 8


@pytest.mark.parametrize(("theme", "colour"), EVERY, ids=NAMED)
def test_text_and_numbers_are_legible(theme, colour):
    page, shade = THEMES[theme], getattr(colour, theme)
    assert contrast(page.ink, shade.fill) >= 4.5  # the copied words
    assert contrast(shade.ink, page.fill) >= 4.5  # numbers and underlines on the page
    assert contrast(page.fill, shade.ink) >= 4.5  # the number in its disc


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["fill", "ink"])
def test_colours_are_told_apart(theme, kind):
    """Oklab distance; about 0.02 is just noticeable for large patches side by side."""
    shades = {colour.name: lab(getattr(getattr(colour, theme), kind)) for colour in COLOURS}
    for one, other in combinations(shades, 2):
        pairs = zip(shades[one], shades[other], strict=True)
        distance = sum((a - b) ** 2 for a, b in pairs) ** 0.5
        assert distance > 0.03, f"{one} and {other} look alike ({kind}, {theme}: {distance:.3f})"


def test_colours_come_round_after_the_last():
    assert colour_class(1) == colour_class(1 + len(COLOURS)) == "q-c1"
    assert colour_class(len(COLOURS)) == f"q-c{len(COLOURS)}"


def test_the_style_sheet_defines_every_colour_in_both_themes():
    sheet = stylesheet()
    for number in range(len(COLOURS) + 1):
        assert f"\n.q-c{number} {{" in sheet
        assert f"\n.dark .q-c{number} {{" in sheet
