"""`quoth index`: keep an index in step with its files, look into it, check it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quoth.app.cli.options import INDEX_OPTIONS, PATH, settings_from, with_options
from quoth.app.cli.ray import RAY_OPTIONS, taken_preparer
from quoth.app.cli.terminal import escaped_json, printable
from quoth.app.uploads import discard_upload
from quoth.app.wording import counted
from quoth.errors import IndexFormatError, InputError

if TYPE_CHECKING:
    from quoth.retrieval import Index

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
DOCS = click.option(
    "--docs", multiple=True, type=PATH, help="The paths that the index was made from."
)


@click.group()
def index() -> None:
    """Keep an index in step with its files, look into it, check it.

    The index of a set of paths is found by naming the same paths (--docs), or its folder (--index).
    """


@index.command()
@click.argument("paths", nargs=-1, required=True, type=PATH)
@JSON
@with_options(*INDEX_OPTIONS, *RAY_OPTIONS)
def sync(paths: tuple[Path, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Add, change and delete documents so that the index holds what PATHS hold now."""
    preparer = taken_preparer(options)
    settings = settings_from(options, paths)
    from quoth.app.cli.opening import summary, sync_documents

    report = sync_documents(settings, paths, preparer=preparer)
    if as_json:
        _echo_json(asdict(report) | {"index": settings.index_path})
    else:
        click.echo(printable(summary(report, settings.index_path)))


@index.command()
@DOCS
@JSON
@with_options(*INDEX_OPTIONS)
def status(docs: tuple[Path, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Show which documents an index holds."""
    with _open(options, docs) as opened:
        overview = opened.status()
        documents = opened.documents()
    if as_json:
        _echo_json(asdict(overview) | {"documents": [asdict(document) for document in documents]})
        return
    for document in documents:
        counts = counted(document.num_passages, "passage")
        if document.num_pages:
            counts += f", {counted(document.num_pages, 'page')}"
        click.echo(f"{document.document_id}  {printable(document.document)}  ({counts})")
    held = counted(len(documents), "document")
    click.echo(f"{held}, {counted(overview.num_passages, 'passage')}.", err=True)


@index.command()
@click.argument("documents", nargs=-1, required=True)
@DOCS
@with_options(*INDEX_OPTIONS)
def remove(documents: tuple[str, ...], docs: tuple[Path, ...], **options: Any) -> None:  # noqa: ANN401
    """Take DOCUMENTS (ids or names, as `status` shows them) out of an index."""
    with _open(options, docs) as opened:
        held = opened.documents()
        paths = {document.document_id: document.path for document in held}
        for wanted in documents:
            ids = [d.document_id for d in held if wanted in {d.document_id, d.document}]
            if len(ids) != 1:
                problem = "no document" if not ids else f"{len(ids)} documents"
                raise InputError(
                    f"The index holds {problem} called {wanted!r}; nothing of it was removed. "
                    "See `quoth index status` for the ids."
                )
            opened.remove(ids[0])
            discard_upload(opened.path, paths[ids[0]])
            click.echo(f"Removed {printable(wanted)}.")


@index.command()
@DOCS
@JSON
@with_options(*INDEX_OPTIONS)
def verify(docs: tuple[Path, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Check every count, offset, hash and vector of an index; exit code 3 if one is wrong."""
    with _open(options, docs) as opened:
        report = opened.verify()
    if as_json:
        _echo_json(asdict(report))
    elif not report.problems:
        click.echo("The index is sound.")
    if report.problems:
        listed = "".join(f"\n  {problem}" for problem in report.problems)
        raise IndexFormatError(f"The index has {counted(len(report.problems), 'problem')}:{listed}")


def _open(options: dict[str, Any], docs: tuple[Path, ...]) -> "Index":
    settings = settings_from(options, docs)
    from quoth.retrieval import Index

    return Index.open(settings.index_path, embedder=None)  # no model is needed to look into it


def _echo_json(values: dict[str, object]) -> None:
    click.echo(escaped_json(values))
