"""Opening an assistant from the command line: say what is being done, sync the documents first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.text import Text

from quoth.app.assistant import Assistant
from quoth.app.cli.terminal import messages, printable, progress_bar
from quoth.app.settings import Settings
from quoth.errors import InputError
from quoth.retrieval import Index, SyncReport, load_embedder


@contextmanager
def open_assistant(
    settings: Settings, documents: Sequence[Path], *, create: bool = False
) -> Iterator[Assistant]:
    """Bring the index up to date with `documents`, load the models, give the assistant.

    Raises:
        IndexNotFoundError: Without documents and without `create`: there is no index.
        InputError: The documents gave nothing that could be indexed.
    """
    with messages().status(Text(f"Loading {printable(settings.model)}")):
        assistant = Assistant.open(settings, create=create or bool(documents))
    with assistant:
        if documents:
            report = sync_index(assistant.index, documents)
            if report.added or report.changed or report.removed:
                messages().print(summary(report, settings.index_path), markup=False)
        yield assistant


def sync_documents(settings: Settings, documents: Sequence[Path]) -> SyncReport:
    """Sync the index of the settings, which is made if it is not there; see `sync_index`."""
    with messages().status(Text(f"Loading {printable(settings.embedder)}")):
        embedder = load_embedder(settings.embedder)
    with Index.open_or_create(settings.index_path, embedder=embedder) as index:
        return sync_index(index, documents)


def sync_index(index: Index, documents: Sequence[Path]) -> SyncReport:
    """Sync an index with files and folders; tell on stderr what was skipped, and why.

    Raises:
        InputError: Nothing could be indexed, and the index holds nothing.
    """
    with progress_bar() as progress:
        report = index.sync(documents, progress=progress)
    for skipped in report.skipped:
        reason = printable(f"Skipped {skipped.path}: {skipped.reason}")
        messages().print(reason, style="yellow", markup=False)
    if not index.documents():
        names = ", ".join(str(path) for path in documents)
        raise InputError(
            f"No document could be indexed from {names}. Name files of a known format "
            "(txt, md, rst, html, pdf, source code), or a folder that holds some."
        )
    return report


def summary(report: SyncReport, index_path: Path) -> str:
    """One line on what a sync did."""
    counts = (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {len(report.skipped)} skipped"
    )
    return f"Index {index_path}: {counts}."
