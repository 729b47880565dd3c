"""`quoth ask`: one question, answered in the terminal or as JSON."""

from pathlib import Path
from typing import Any

import click

from quoth.app.cli.options import (
    FILTER_OPTIONS,
    INDEX_OPTIONS,
    MODEL_OPTIONS,
    PATH,
    SEARCH_OPTIONS,
    filters_from,
    settings_from,
    with_options,
)
from quoth.app.cli.terminal import escaped_json
from quoth.app.questions import check_question


@click.command()
@click.argument("question")
@click.argument("more_docs", nargs=-1, type=PATH, metavar="[PATH]...")
@click.option(
    "--docs", multiple=True, type=PATH, metavar="PATH...", help="Files and folders to answer from."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
@with_options(*INDEX_OPTIONS, *SEARCH_OPTIONS, *FILTER_OPTIONS, *MODEL_OPTIONS)
def ask(
    question: str,
    more_docs: tuple[Path, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Answer QUESTION from documents, every copied word with its source.

    The files named with --docs are indexed first, or brought up to date. Without --docs the
    answer comes from the index that --index names.

    \b
    Examples:
      quoth ask "What was the revenue in 2018?" --docs 3M_2018_10K.pdf
      quoth ask "How do I add a drafter?" --docs docs/ README.md
      quoth ask "..." --docs docs/ --json | jq .citations
    """
    documents = (*docs, *more_docs)
    filters = filters_from(options)
    settings = settings_from(options, documents)
    check_question(question, settings.max_question_chars)
    from quoth.app.cli.answering import AnswerPrinter, answer_as_json
    from quoth.app.cli.opening import open_assistant

    with open_assistant(settings, documents) as assistant:
        if as_json:
            answer = assistant.ask(question, filters=filters)
            click.echo(escaped_json(answer_as_json(answer)))
        else:
            AnswerPrinter().print(assistant.stream(question, filters=filters))
