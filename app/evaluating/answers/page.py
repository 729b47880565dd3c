"""A page with the figures and a sample of answers to read; one file that loads and runs nothing.

Questions, documents and answers are hostile text: Jinja2 escapes every one of them, and the page
forbids itself (CSP) all but its own style, which it names by its hash.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from quoth.app.citations import MARKER
from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.figures import Figures
from quoth.app.evaluating.answers.outcomes import OUTCOMES, sample
from quoth.app.evaluating.answers.tables import tables_of
from quoth.app.evaluating.answers.wording import said_of
from quoth.errors import InputError
from quoth.types import Citation, Passage

PER_OUTCOME = 3
SAMPLED = 3  # the number of passages whose answers are shown, if it was measured
Span = tuple[int, int, str]  # start, end, and the name of what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a text with the names of all that it is part of."""

    text: str
    names: str


def write_page(
    path: Path,
    asked: Mapping[int, Sequence[Asked]],
    figures: Mapping[int, Mapping[str, Figures]],
    *,
    title: str,
) -> None:
    """Write the page.

    Args:
        path: The file; what is there is replaced.
        asked: The answers, by number of passages.
        figures: What they come to, by number of passages and domain.
        title: Of the page.

    Raises:
        InputError: The file cannot be written.
    """
    shown = SAMPLED if SAMPLED in asked else next(iter(asked))
    text = page(
        title=title,
        tables={k: tables_of(groups) for k, groups in figures.items()},
        shown=shown,
        sample=sample(asked[shown], per_outcome=PER_OUTCOME),
    )
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def page(**values: object) -> str:
    """The template, filled."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = files(__package__)
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(folder.joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        style=Markup(style),  # the package's own file
        style_hash=f"sha256-{digest}",
        outcomes=OUTCOMES,
        said_of=said_of,
        answer_pieces=answer_pieces,
        passage_pieces=passage_pieces,
        **values,
    )


def answer_pieces(asked: Asked) -> list[Piece]:
    """The answer with its quotes, numbers and gold answers."""
    text = asked.given.text
    quotes = [(one.start, one.end, f"quote {one.kind}") for one in asked.given.citations]
    marks = [(*mark.span(), "number") for mark in MARKER.finditer(text)]
    return pieces(text, [*quotes, *marks, *gold_spans(text, asked.question.answers)])


def passage_pieces(asked: Asked, passage: Passage) -> list[Piece]:
    """A passage with what was quoted from it, and its gold answers if it is a right one."""
    number = asked.given.passages.index(passage) + 1
    gold = asked.question.answers if number in asked.verdict.gold else ()
    return pieces(
        passage.text,
        [*_quoted(passage, asked.given.citations), *gold_spans(passage.text, gold)],
    )


def gold_spans(text: str, answers: Iterable[str]) -> list[Span]:
    """Where gold answers stand, case and white space aside."""
    return [
        (*found.span(), "gold")
        for answer in answers
        for found in re.finditer(
            r"\s+".join(map(re.escape, answer.split())), text, flags=re.IGNORECASE
        )
    ]


def pieces(text: str, spans: Sequence[Span]) -> list[Piece]:
    """The text cut wherever a span begins or ends; put together, the pieces are the text."""
    inside = [(max(0, a), min(b, len(text)), name) for a, b, name in spans if a < b]
    cuts = sorted({0, len(text), *(a for a, _, _ in inside), *(b for _, b, _ in inside)})
    return [
        Piece(
            text=text[start:end],
            names=" ".join(dict.fromkeys(n for a, b, n in inside if a <= start and end <= b)),
        )
        for start, end in pairwise(cuts)
    ]


def _quoted(passage: Passage, citations: Iterable[Citation]) -> list[Span]:
    return [
        (one.source_start - passage.start, one.source_end - passage.start, "quote document")
        for one in citations
        if one.source_id == passage.document_id
        and one.source_start < passage.end
        and one.source_end > passage.start
    ]
