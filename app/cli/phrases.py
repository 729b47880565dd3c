"""`quoth phrases`: what the drafts of an answer continue with, beyond the passages."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from quoth.app.cli.options import PATH
from quoth.app.settings import DEFAULT_MODEL
from quoth.errors import InputError

if TYPE_CHECKING:
    from quoth.app.phrases import PhraseReport


@click.group()
def phrases() -> None:
    """Make a file of phrases, with which answers take fewer passes of the model."""


@phrases.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option("--index", "index_path", type=PATH, help="Folder of an index: all its documents.")
@click.option("--past", multiple=True, type=PATH, help="File of saved past answers.")
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Whose tokens they are.")
@click.option("--revision", help="Revision of the model on the hub.")
@click.option("--output", type=PATH, required=True, help="The file to make.")
@click.option(
    "--max-bytes",
    type=int,
    default=1 << 26,
    show_default=True,
    help="Largest size of the file; the most frequent phrases are kept.",
)
def build(  # noqa: PLR0913, PLR0917 - one argument per option
    paths: tuple[Path, ...],
    index_path: Path | None,
    past: tuple[Path, ...],
    model: str,
    revision: str | None,
    output: Path,
    max_bytes: int,
) -> None:
    """Count what follows what in PATHS (files and folders), in an index, or both.

    \b
    quoth phrases build ~/papers --output papers.phrases
    quoth ask "..." --docs ~/papers --phrases papers.phrases

    A file is for the model it was made for, and those with the same tokens. It holds no running
    text, but what it was made from can be guessed from it: share it as you would share that.
    This command may make it again while it is in use; to put another file in its place, move that
    there instead of copying it onto it.
    """
    if not (paths or index_path or past):
        raise InputError(
            "There is nothing to make phrases from. Name files or folders, or --index."
        )
    from quoth.app.cli.terminal import progress_bar
    from quoth.app.phrases import PhraseRecipe

    with progress_bar() as progress:
        recipe = PhraseRecipe(
            model=model,
            paths=paths,
            index_path=index_path,
            past=past,
            revision=revision,
            progress=progress,
        )
        report = recipe.build(output, max_bytes)
    _tell(report)


def _tell(report: "PhraseReport") -> None:
    from quoth.app.cli.terminal import printable, tell_skipped
    from quoth.app.wording import counted

    tell_skipped(report.skipped)
    click.echo(
        printable(
            f"{report.path}: {counted(report.num_contexts, 'context')} from "
            f"{counted(report.num_texts, 'text')} ({counted(report.num_tokens, 'token')}), "
            f"{counted(report.num_bytes, 'byte')}."
        )
    )
