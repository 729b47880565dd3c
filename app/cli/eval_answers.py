"""`quoth eval answers`: questions answered freely, and each answer judged."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quoth.app.cli.options import (
    ANSWER_LENGTH,
    DOCS,
    DRAFTING,
    INDEX_OPTIONS,
    JSON,
    LOADING_OPTIONS,
    PATH,
    SEARCH_OPTIONS,
    settings_from,
    with_options,
)
from quoth.app.cli.terminal import escaped_json, printable, progress_bar, saying
from quoth.app.wording import counted
from quoth.errors import ConfigError

if TYPE_CHECKING:
    from quoth.app.evaluating.answers.asking import Asked
    from quoth.app.evaluating.answers.figures import Figures
    from quoth.app.evaluating.answers.questions import AnswerQuestion
    from quoth.app.settings import Settings
    from quoth.retrieval import Index

    ByCut = Mapping[int, Mapping[str, Figures]]  # by number of passages and domain


@click.command()
@click.argument("questions", nargs=-1, required=True, type=PATH)
@DOCS
@click.option("--passages", default="3", show_default=True, help="How many, such as 1,3,5.")
@click.option("--limit", type=click.IntRange(min=1), help="Questions of each domain, at most.")
@click.option("--report", type=PATH, help="File for a page with tables and a sample to read.")
@click.option(
    "--per-question", type=PATH, help="File for one JSON object per answer; a broken run goes on."
)
@JSON
@with_options(*INDEX_OPTIONS, *SEARCH_OPTIONS, *LOADING_OPTIONS, ANSWER_LENGTH, DRAFTING)
def answers(
    questions: tuple[Path, ...],
    docs: tuple[Path, ...],
    limit: int | None,
    report: Path | None,
    per_question: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Measure answers: right passage, gold answer in the quote, verbatim quotes, refusals.

    QUESTIONS has lines such as {"question": "...", "answers": ["30 days", "thirty days"]}, where
    any of the answers will do and [] says that the documents hold none. A line may have "id",
    "domain", "document" and "pages" (where the answer stands), "history" (earlier turns, a list of
    {"question", "answer"}) and "from_history": true (one of these answers it).

    \b
    quoth eval answers questions.jsonl --docs ~/papers --report page.html
    quoth eval answers questions.jsonl --index DIR --passages 1,3,5 --per-question rows.jsonl

    Every question is asked as `quoth ask` would, without chance. A cell of the tables is the share
    in per cent, its 95 % interval (Wilson), and the number of questions that it is of.
    """
    from quoth.app.evaluating.answers.figures import figures_by_domain

    cuts = numbers_in(options.pop("passages"))
    settings = settings_from(options, docs)
    asked = _checked_questions(questions, limit, settings.max_question_chars)
    with opened_for(settings, docs, asked) as index:
        answered = answered_by(index, settings, asked, cuts, per_question)
    by_cut = {k: [one for one in answered if one.k == k] for k in cuts}
    figures = {k: figures_by_domain(group) for k, group in by_cut.items()}
    if report:
        from quoth.app.evaluating.answers.page import write_page

        write_page(report, by_cut, figures, title=f"Answers of {settings.model}")
    if as_json:
        _print_json(figures, {"model": settings.model, "questions": len(asked)})
    else:
        print_tables(figures)


def _checked_questions(
    files: Sequence[Path], limit: int | None, max_chars: int
) -> "list[AnswerQuestion]":
    """At most `limit` questions of each domain, all of which may be asked."""
    from quoth.app.evaluating.answers.asking import check_questions
    from quoth.app.evaluating.answers.questions import limited, read_answer_questions

    asked = limited(read_answer_questions(files), limit)
    check_questions(asked, max_chars)
    return asked


def numbers_in(passages: str) -> tuple[int, ...]:
    """The numbers of an option such as "1,3,5".

    Raises:
        ConfigError: It is no list of numbers of passages.
    """
    given = [part.strip() for part in passages.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= 99 for part in given):
        raise ConfigError(
            f"--passages is {passages!r}; expected numbers from 1 to 99, such as 1,3,5."
        )
    return tuple(dict.fromkeys(int(part) for part in given))


@contextmanager
def opened_for(
    settings: "Settings", docs: Sequence[Path], asked: "Sequence[AnswerQuestion]"
) -> Iterator["Index"]:
    """The index, brought up to date with `docs`, that has every document that is to answer."""
    from quoth.app.cli.opening import loaded_index, sync_index
    from quoth.app.engines import empty_index
    from quoth.app.evaluating.answers.questions import check_documents

    with loaded_index(settings, create=bool(docs)) as index:
        if docs:
            sync_index(index, docs)
        documents = index.documents()
        if not documents:
            raise empty_index(settings.index_path)
        check_documents(asked, documents)
        yield index


def answered_by(
    index: "Index",
    settings: "Settings",
    asked: "Sequence[AnswerQuestion]",
    cuts: Sequence[int],
    rows_file: Path | None,
) -> "list[Asked]":
    """Ask what the file of rows does not hold yet; all answers, in the order of the questions."""
    from quoth.app.engines import load_decoder
    from quoth.app.evaluating.answers import rows
    from quoth.app.evaluating.answers.asking import ask_with
    from quoth.app.evaluating.answers.conditions import conditions_of

    conditions = conditions_of(settings, index)
    done = rows.read_rows(rows_file, asked, conditions) if rows_file else {}
    keys = [(k, one.id) for k in cuts for one in asked]
    if any(key not in done for key in keys):
        with saying(f"Loading {settings.model}"):
            decoder = load_decoder(settings)
        with progress_bar() as progress:
            for k in cuts:
                missing = [one for one in asked if (k, one.id) not in done]
                for one in ask_with(index, decoder, settings, missing, k):
                    done[rows.key_of(one)] = one
                    if rows_file:
                        rows.append_row(rows_file, rows.row_of(one, conditions))
                    progress(sum(key in done for key in keys), len(keys), "answering")
    return [done[key] for key in keys]


def print_tables(figures: "ByCut") -> None:
    """Print the tables of each number of passages."""
    from quoth.app.cli.eval_report import aligned
    from quoth.app.evaluating.answers.tables import tables_of

    for k, groups in figures.items():
        click.echo(f"With {counted(k, 'passage')}\n")
        for table in tables_of(groups):
            body = [[printable(cell).replace("\n", " ") for cell in row] for row in table.rows]
            click.echo(f"{table.title}\n{aligned([table.columns, *body])}\n")


def _print_json(figures: "ByCut", facts: dict[str, object]) -> None:
    from quoth.app.evaluating.answers.figures import as_json

    told = {
        str(k): {name: as_json(one) for name, one in groups.items()}
        for k, groups in figures.items()
    }
    click.echo(escaped_json({**facts, "passages": told}))
