"""The side panel: a passage where it stands in its document."""

from collections.abc import Sequence
from dataclasses import dataclass

from quoth.app.ui.excerpts import Excerpt
from quoth.app.ui.markup import Html, element
from quoth.app.ui.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPlace:
    """Another place that holds the same text."""

    ref: str
    name: str
    location: str  # empty: not known


def side_panel(
    place: Place, text: Excerpt, location: str, others: Sequence[OtherPlace] = ()
) -> Html:
    """The passage in its surroundings; the range itself is the one with the class `q-target`."""
    return element(
        "section",
        _head(place, location),
        _others(others),
        element(
            "div",
            _cut(is_cut=text.is_cut_before, words="The document begins further up."),
            element(
                "div",
                text.before,
                element("mark", text.copied, class_="q-target", id="q-target"),
                text.after,
                class_="q-text",
                dir="auto",
            ),
            _cut(is_cut=text.is_cut_after, words="The document goes on."),
            class_="q-document",
            tabindex=0,
            role="region",
            aria_label="Text of the source",
        ),
        class_=f"q-passage {place.colour}",
        data_ref=place.ref,
    )


def missing_source(ref: str, message: str) -> Html:
    """The panel for a source that cannot be read."""
    return element(
        "section",
        element("header", element("div", element("h2", "Source")), _close(), class_="q-panel-head"),
        element("p", message, class_="q-error", role="alert"),
        class_="q-passage q-c0",
        data_ref=ref,
    )


def _head(place: Place, location: str) -> Html:
    first, last = place.span.start + 1, place.span.end
    where = f"characters {first:,} to {last:,}"
    if location:
        where = f"{location}, {where}"
    return element(
        "header",
        element(
            "div",
            element("div", place.said, class_="q-said"),
            element(
                "h2",
                element("span", place.label, class_="q-label"),
                element("bdi", place.name, class_="q-name"),
            ),
            element("p", where, class_="q-where"),
        ),
        _close(),
        class_="q-panel-head",
    )


def _close() -> Html:
    return element(
        "button",
        "×",
        type="button",
        class_="q-close",
        data_action="close",
        aria_label="Close the source",
    )


def _others(others: Sequence[OtherPlace]) -> Html:
    if not others:
        return Html()
    buttons = (
        element(
            "button",
            element("bdi", other.name),
            other.location and f" {other.location}",
            type="button",
            class_="q-other",
            data_ref=other.ref,
        )
        for other in others
    )
    return element("p", element("span", "Also in", class_="q-caption"), *buttons, class_="q-others")


def _cut(*, is_cut: bool, words: str) -> Html:
    return element("p", words, class_="q-cut") if is_cut else Html()
