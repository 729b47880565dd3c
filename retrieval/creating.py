"""Making an empty index."""

from pathlib import Path

from quoth.errors import InputError
from quoth.retrieval import manifest
from quoth.retrieval.atomic import make_folder
from quoth.retrieval.database import DATABASE
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.folders import check_free
from quoth.retrieval.locking import writer_lock


def make_empty(folder: Path, embedder: Embedder) -> None:
    """Put an empty index for vectors of `embedder` into `folder`.

    Raises:
        InputError: There is an index already, or the folder holds other things.
        IndexBusyError: Another process is making one there.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise InputError(f"No index can be made in {folder}: {error.strerror}.") from error
    check_free(folder)
    with writer_lock(folder):
        check_free(folder)
        (folder / DATABASE).unlink(missing_ok=True)  # of a creation that was killed
        DocStore(folder, create=True).close()
        manifest.write_manifest(folder, manifest.new_manifest(embedder))
