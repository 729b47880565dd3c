"""Opening an assistant from the command line: say what is being done, sync its documents."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quoth.app.assistant import Assistant
from quoth.app.cli.terminal import messages, progress_bar, saying, tell_skipped
from quoth.app.engines import empty_index, load_decoder, open_index
from quoth.app.settings import Settings
from quoth.app.wording import counted
from quoth.errors import IndexNotFoundError, InputError
from quoth.retrieval import Index, SyncReport
from quoth.retrieval.preparing import OpenPreparer, local_preparer


@contextmanager
def open_assistant(
    settings: Settings, documents: Sequence[Path], *, create: bool = False
) -> Iterator[Assistant]:
    """Bring the index up to date with `documents`, load the language model, give the assistant.

    Raises:
        IndexNotFoundError: Without documents and without `create`: there is no index.
        InputError: The documents gave nothing that could be indexed; without documents and without
            `create`: the index is empty.
    """
    if not documents and not create:
        _check_index(settings.index_path)
    with loaded_index(settings, create=create or bool(documents)) as index:
        if documents:
            report = sync_index(index, documents)
            if report.is_change:
                messages().print(summary(report, settings.index_path), markup=False)
        with saying(f"Loading {settings.model}"):
            assistant = Assistant(index, load_decoder(settings), settings)
        yield assistant


def _check_index(path: Path) -> None:
    """Find out before models are loaded that there is nothing to answer from.

    Raises:
        IndexNotFoundError: There is no index.
        IndexFormatError: It is damaged.
        InputError: It is empty.
    """
    try:
        with Index.open(path, embedder=None) as index:
            if not index.documents():
                raise empty_index(path)
    except IndexNotFoundError as error:
        raise IndexNotFoundError(
            f"There is no index in {str(path)!r}. Name the documents to answer from with --docs "
            "PATH, or the folder of an index with --index."
        ) from error


def sync_documents(
    settings: Settings,
    documents: Sequence[Path],
    *,
    checksum: bool = False,
    preparer: OpenPreparer = local_preparer,
) -> SyncReport:
    """Sync the index of the settings, which is made if it is not there; see `sync_index`."""
    with loaded_index(settings, create=True) as index:
        report = sync_index(index, documents, checksum=checksum, preparer=preparer)
        with progress_bar() as progress:
            index.optimise(progress=progress)  # closing would break it off
        return report


def loaded_index(settings: Settings, *, create: bool) -> Index:
    """Load the embedder and open the index of the settings; see `open_index`."""
    with saying(f"Loading {settings.embedder}"):
        return open_index(settings, create=create)


def sync_index(
    index: Index,
    documents: Sequence[Path],
    *,
    checksum: bool = False,
    preparer: OpenPreparer = local_preparer,
) -> SyncReport:
    """Sync an index with files and folders; tell on stderr what was skipped, and why.

    Raises:
        InputError: Nothing could be indexed, and the index holds nothing.
    """
    with progress_bar() as progress:
        report = index.sync(documents, progress=progress, checksum=checksum, preparer=preparer)
    tell_skipped(report.skipped)
    if not index.documents():
        names = ", ".join(str(path) for path in documents)
        raise InputError(
            f"No document could be indexed from {names}. Name files of a known format "
            "(txt, md, rst, html, pdf, source code), or a folder that holds some."
        )
    return report


def summary(report: SyncReport, index_path: Path) -> str:
    """One line on what a sync did."""
    return f"Index {index_path}: {counts(report)}."


def counts(report: SyncReport) -> str:
    """The numbers of a sync; those of moved and equal files where there are any."""
    told = [
        f"{report.added} added, {report.changed} changed, {report.removed} removed",
        f"{report.moved} moved" if report.moved else "",
        counted(report.duplicates, "duplicate") if report.duplicates else "",
        f"{report.unchanged} unchanged, {len(report.skipped)} skipped",
    ]
    return ", ".join(filter(None, told))
