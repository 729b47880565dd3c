"""The figures as tables of short cells, for the terminal and for the page alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from quoth.app.evaluating.answers.figures import Figures, Share

NOTHING = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, the names of the columns, and a row for each domain; its first cell is the name."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


_BLOCKS: Mapping[str, Mapping[str, str]] = {
    "Of answerable questions": {
        "retrieved": "retrieved",
        "right_passage": "right passage",
        "first_passage": "(passage 1 is)",
        "gold_in_quote": "gold in quote",
    },
    "Of these, where a passage that answers was retrieved": {
        "right_passage_retrieved": "right passage",
        "first_passage_retrieved": "(passage 1 is)",
        "right_passage_not_first": "right, if 1 is not",
        "gold_in_quote_retrieved": "gold in quote",
        "false_refusal": "false refusal",
    },
    "Refusals, and answers from earlier turns": {
        "refused_unanswerable": "unanswerable refused",
        "refused_not_retrieved": "refused, not retrieved",
        "from_history": "from history",
    },
    "Of all answers": {
        "verbatim": "verbatim",
        "verbatim_lax": "white space aside",
        "empty": "empty",
        "runaway": "runaway",
    },
}


def tables_of(figures: Mapping[str, Figures]) -> list[Table]:
    """The tables, one row for each group. A cell is the share in per cent, its interval, its n."""
    tables = [
        Table(
            title=title,
            columns=("", *names.values()),
            rows=tuple(
                (group, *(_cell(one.shares.get(name)) for name in names))
                for group, one in figures.items()
            ),
        )
        for title, names in _BLOCKS.items()
    ]
    columns = ("", "answers", "characters in a source", "tokens", "first word s", "answer s")
    rows = tuple((group, *_times(one)) for group, one in figures.items())
    title = "Characters, tokens (means) and seconds (median, 95th percentile)"
    return [*tables, Table(title=title, columns=columns, rows=rows)]


def _cell(share: Share | None) -> str:
    if share is None:
        return NOTHING
    low, high = share.interval
    return f"{100 * share.value:.1f} [{100 * low:.0f}-{100 * high:.0f}] {share.n}"


def _times(figures: Figures) -> tuple[str, ...]:
    chars = NOTHING if figures.verbatim_chars is None else f"{100 * figures.verbatim_chars:.1f}"
    spans = (f"{middle:.2f}, {tail:.2f}" for middle, tail in (figures.first_s, figures.seconds))
    return (str(figures.n), chars, f"{figures.tokens:.1f}", *spans)
