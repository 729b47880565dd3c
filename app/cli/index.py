"""`quoth index`: keep an index in step with its files, look into it, check it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quoth.app.cli.options import (
    DOCS,
    INDEX_OPTIONS,
    JSON,
    PATH,
    PATHS,
    settings_from,
    with_options,
)
from quoth.app.cli.ray import PREPARER_OPTIONS, taken_preparer
from quoth.app.cli.terminal import escaped_json, printable, progress_bar
from quoth.app.cli.watch import watch
from quoth.app.uploads import discard_upload
from quoth.app.wording import counted
from quoth.errors import IndexFormatError, InputError

if TYPE_CHECKING:
    from quoth.retrieval import DocumentStatus, Index
    from quoth.retrieval.stored_vectors import VectorKind


@click.group()
def index() -> None:
    """Keep an index in step with its files, look into it, check it.

    The index of a set of paths is found by naming the same paths, with or without --docs, or its
    folder (--index).
    """


index.add_command(watch)


@index.command()
@PATHS
@DOCS
@JSON
@click.option("--checksum", is_flag=True, help="Read unchanged files, too.")
@click.option("--strict", is_flag=True, help="Exit code 2 if a file had to be skipped.")
@with_options(*INDEX_OPTIONS, *PREPARER_OPTIONS)
def sync(
    paths: tuple[Path, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    checksum: bool,
    strict: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Add, change and delete documents so that the index holds what PATHs hold now.

    Files that cannot be read are named on stderr and skipped; the rest goes in. A file that was
    moved stays the same document, files with the same bytes are one, and only changed passages
    are embedded.
    """
    paths = (*paths, *docs)
    if not paths:
        raise InputError("Nothing to sync is named. Give paths: quoth index sync PATH...")
    preparer = taken_preparer(options)
    settings = settings_from(options, paths)
    from quoth.app.cli.opening import summary, sync_documents

    report = sync_documents(settings, paths, checksum=checksum, preparer=preparer)
    if as_json:
        click.echo(escaped_json(asdict(report) | {"index": settings.index_path}))
    else:
        click.echo(printable(summary(report, settings.index_path)))
    if strict and report.skipped:
        raise InputError(f"{counted(len(report.skipped), 'file')} could not be indexed; see above.")


@index.command()
@PATHS
@DOCS
@JSON
@with_options(*INDEX_OPTIONS)
def status(
    paths: tuple[Path, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Show which documents an index holds."""
    with _open(options, (*paths, *docs)) as opened:
        overview = opened.status()
        documents = opened.documents()
    if as_json:
        listed = [asdict(document) for document in documents]
        click.echo(escaped_json(asdict(overview) | {"documents": listed}))
        return
    for document in documents:
        click.echo(_line(document))
    held = counted(len(documents), "document")
    click.echo(f"{held}, {counted(overview.num_passages, 'passage')}.", err=True)


@index.command()
@click.argument("documents", nargs=-1, required=True)
@click.option("--docs", multiple=True, type=PATH, metavar="PATH", help="A path of the index.")
@JSON
@with_options(*INDEX_OPTIONS)
def remove(
    documents: tuple[str, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Take DOCUMENTS (ids or names, as `status` shows them) out of an index.

    The next sync brings back those whose files are still there.
    """
    removed = []
    with _open(options, docs) as opened:
        held = opened.documents()
        for wanted in documents:
            document = _wanted(held, wanted)
            opened.remove(document.document_id)
            for path in (document.path, *document.copy_paths):
                discard_upload(opened.path, path)
            removed.append(document.document_id)
            if not as_json:
                click.echo(f"Removed {printable(wanted)}.")
    if as_json:
        click.echo(escaped_json({"removed": removed}))


@index.command()
@click.argument("documents", nargs=-1, required=True)
@click.option("--tag", "tags", multiple=True, help="A tag; without any, they lose what they have.")
@DOCS
@with_options(*INDEX_OPTIONS)
def tag(
    documents: tuple[str, ...],
    tags: tuple[str, ...],
    docs: tuple[Path, ...],
    **options: Any,  # noqa: ANN401
) -> None:
    """Give DOCUMENTS (ids or names, as `status` shows them) tags to filter by, and no others."""
    with _open(options, docs) as opened:
        held = opened.documents()
        for document in [_wanted(held, wanted) for wanted in documents]:
            opened.tag(document.document_id, tags)
            click.echo(f"{printable(document.document)}: {printable(', '.join(tags) or 'no tags')}")


@index.command()
@PATHS
@DOCS
@JSON
@with_options(*INDEX_OPTIONS)
def verify(
    paths: tuple[Path, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Check every count, offset, hash and vector of an index; exit code 3 if one is wrong."""
    with _open(options, (*paths, *docs)) as opened:
        report = opened.verify()
    if as_json:
        click.echo(escaped_json(asdict(report)))
    elif not report.problems:
        click.echo("The index is sound.")
    _fail(report.problems, "See `quoth index repair`.")


@index.command()
@click.option(
    "--kind",
    type=click.Choice(["auto", "flat", "sq8", "ivf"]),
    default="auto",
    show_default=True,
    help="flat is exact; sq8 looks through all vectors in 8 bits, ivf through the likely ones.",
)
@PATHS
@DOCS
@with_options(*INDEX_OPTIONS)
def optimise(
    kind: "VectorKind",
    paths: tuple[Path, ...],
    docs: tuple[Path, ...],
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Make the vectors of an index anew from its database, in the form that suits their number.

    `sync` does so when it is due. Searches go on meanwhile. A kind that is named is kept to.
    """
    with _open(options, (*paths, *docs)) as opened:
        with progress_bar() as progress:
            opened.optimise(kind, progress=progress)
        overview = opened.status()
    click.echo(f"{counted(overview.num_passages, 'vector')} as {overview.vectors}.")


@index.command()
@PATHS
@DOCS
@JSON
@with_options(*INDEX_OPTIONS)
def repair(
    paths: tuple[Path, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Make an index sound again, and say what was done; exit code 3 if something stays wrong.

    Vectors are made anew. Documents that are damaged in the index are taken out of it and named;
    the next sync reads them again. Your files are never touched. Nobody else may use the index
    meanwhile.
    """
    settings = settings_from(options, (*paths, *docs))
    from quoth.retrieval import Index

    report = Index.repair(settings.index_path)
    if as_json:
        click.echo(escaped_json(asdict(report)))
    else:
        for action in report.actions or ("The index is sound; there was nothing to repair.",):
            click.echo(printable(action[:1].upper() + action[1:]))
        if report.removed:
            what = counted(len(report.removed), "document")
            click.echo(f"{what} taken out; `quoth index sync` reads the files again.", err=True)
    _fail(report.problems, "Delete the index and sync again.")


def _fail(problems: tuple[str, ...], remedy: str) -> None:
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        what = counted(len(problems), "problem")
        raise IndexFormatError(f"The index has {what}:{listed}\n{remedy}")


def _wanted(held: tuple["DocumentStatus", ...], wanted: str) -> "DocumentStatus":
    found = [one for one in held if wanted in {one.document_id, one.document, *one.copies}]
    if len(found) != 1:
        problem = "no document" if not found else f"{len(found)} documents"
        raise InputError(
            f"The index holds {problem} called {wanted!r}; nothing of it was changed. "
            "See `quoth index status` for the ids."
        )
    return found[0]


def _line(document: "DocumentStatus") -> str:
    counts = counted(document.num_passages, "passage")
    if document.num_pages:
        counts += f", {counted(document.num_pages, 'page')}"
    copies = f"  also {', '.join(document.copies)}" if document.copies else ""
    tags = f"  tags: {', '.join(document.tags)}" if document.tags else ""
    said = f"{document.document}  ({document.format}, {counts}){copies}{tags}"
    return f"{document.document_id}  {printable(said)}"


def _open(options: dict[str, Any], paths: tuple[Path, ...]) -> "Index":
    settings = settings_from(options, paths)
    from quoth.retrieval import Index

    return Index.open(settings.index_path, embedder=None)  # no model is needed to look into it
