"""`quoth chat`: the web chat on this machine."""

from pathlib import Path
from typing import Any

import click

from quoth.app.cli.options import (
    INDEX_OPTIONS,
    MODEL_OPTIONS,
    PATH,
    SEARCH_OPTIONS,
    settings_from,
    with_options,
)


@click.command()
@click.argument("more_docs", nargs=-1, type=PATH, metavar="[PATH]...")
@click.option(
    "--docs", multiple=True, type=PATH, metavar="PATH...", help="Files and folders to answer from."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True)
@click.option("--example", "examples", multiple=True, help="A question to offer on the empty page.")
@with_options(*INDEX_OPTIONS, *SEARCH_OPTIONS, *MODEL_OPTIONS)
def chat(
    more_docs: tuple[Path, ...],
    docs: tuple[Path, ...],
    host: str,
    port: int,
    examples: tuple[str, ...],
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Open the web chat over documents. Anyone who can reach the address can read them.

    \b
    Examples:
      quoth chat --docs ~/papers
      quoth chat --index indexes/local --port 8000
    """
    documents = (*docs, *more_docs)
    settings = settings_from(options, documents)
    from quoth.app.ui import serve

    serve.free_port(host, port)  # before seconds are spent on models and minutes on indexing
    from quoth.app.cli.opening import open_assistant

    with open_assistant(settings, documents, create=True) as assistant:
        serve.serve(assistant, host=host, port=port, examples=examples, ready=_announce)


def _announce(url: str) -> None:
    click.echo(f"Quoth is ready at {url} (Ctrl-C ends it).", err=True)
