"""Making an index sound again: what can be made anew is, what is damaged goes and is named.

The files themselves are never touched, so a document that is taken out comes back with the next
sync; one that was added as a text has to be added again.
"""

import shutil
import sqlite3
from pathlib import Path

from quoth.errors import IndexFormatError
from quoth.retrieval.atomic import sync_folder
from quoth.retrieval.database import DATABASE
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.lexical_repair import lexical_problems, make_lexical_index
from quoth.retrieval.live_vectors import VECTORS, LiveVectors
from quoth.retrieval.locking import WAIT_S, writer_lock
from quoth.retrieval.manifest import (
    Manifest,
    read_manifest,
    rebuild_advice,
    renewed,
    write_manifest,
)
from quoth.retrieval.reports import RepairReport
from quoth.retrieval.salvaging import salvage
from quoth.retrieval.verifying import document_problems, verify

DAMAGED = "damaged.sqlite3"  # what a database that could not be repaired is kept as
_LOG = "-wal"
_WORK = "salvage.tmp"
_STRAYS = (
    "DELETE FROM {table} WHERE document_id IS NOT NULL "
    "AND document_id NOT IN (SELECT id FROM documents)"
)


def repair(folder: Path, *, wait_s: float = WAIT_S) -> RepairReport:
    """Repair the index in `folder`, which nobody else may have open; a sound one stays as it is.

    Vectors and search structures are made anew from the database. Documents whose text or passages
    are damaged are taken out, and so are strays. If SQLite finds the database itself damaged, all
    documents that can be read whole are moved to a new one; the old one is kept beside it.

    Raises:
        IndexNotFoundError: There is no index.
        IndexFormatError: Nothing could be saved.
        IndexBusyError: Another process is writing, and is not done after `wait_s` seconds.
    """
    manifest = read_manifest(folder)
    with writer_lock(folder, wait_s):
        actions = _put_back(folder)
        removed: list[str] = []
        if not _is_readable(folder, actions):
            manifest, lost = _salvaged(folder, manifest, actions)
            removed += lost
        store = DocStore(folder)
        try:
            removed += _without_damaged(store, manifest.dim, actions)
            vectors = _made_anew(folder, store, manifest, actions)
            report = verify(store, vectors, manifest.dim)
            store.database.fold_log()
        finally:
            store.close()
    return RepairReport(actions=tuple(actions), removed=tuple(removed), problems=report.problems)


def _put_back(folder: Path) -> list[str]:
    """Undo the last steps of a repair that was killed between them."""
    shutil.rmtree(folder / _WORK, ignore_errors=True)
    if (folder / DATABASE).exists() or not (folder / DAMAGED).exists():
        return []
    (folder / DAMAGED).replace(folder / DATABASE)
    if (folder / (DAMAGED + _LOG)).exists():
        (folder / (DAMAGED + _LOG)).replace(folder / (DATABASE + _LOG))
    return ["took up a repair that was broken off"]


def _is_readable(folder: Path, actions: list[str]) -> bool:
    """Whether SQLite finds the database sound, if need be after making its indexes anew."""
    try:
        store = DocStore(folder)
    except IndexFormatError as error:
        if isinstance(error.__cause__, sqlite3.DatabaseError):
            return False
        raise  # it is whole, and of a format that is not known here
    try:
        if not store.database.damage():
            return True
        store.database.make_indexes()
        if store.database.damage():
            return False
    except IndexFormatError:
        return False
    finally:
        store.close()
    actions.append("made the indexes of the database anew")
    return True


def _salvaged(folder: Path, manifest: Manifest, actions: list[str]) -> tuple[Manifest, list[str]]:
    """Put a new database with all whole documents in the place of the damaged one."""
    work = folder / _WORK
    work.mkdir()
    saved, lost = salvage(folder, work, manifest.dim)
    if not saved:
        shutil.rmtree(work)
        raise IndexFormatError(
            f"Nothing of the database in {folder} can be read, so it cannot be repaired. "
            f"{rebuild_advice(folder)}"
        )
    manifest = renewed(manifest)  # passages have other ids now: no file of vectors fits any more
    write_manifest(folder, manifest)
    for suffix in ("", _LOG):  # a log must never lie beside a database that it is not of
        (folder / (DAMAGED + suffix)).unlink(missing_ok=True)
    for suffix in ("", _LOG):
        if (folder / (DATABASE + suffix)).exists():
            (folder / (DATABASE + suffix)).replace(folder / (DAMAGED + suffix))
    (folder / (DATABASE + "-shm")).unlink(missing_ok=True)
    (work / DATABASE).replace(folder / DATABASE)
    sync_folder(folder)
    shutil.rmtree(work)
    actions.append(
        f"moved {saved} whole documents to a new database; the damaged one is {DAMAGED}, delete it "
        f"when all is well"
    )
    return manifest, lost


def _without_damaged(store: DocStore, dim: int, actions: list[str]) -> list[str]:
    """Take out the documents that are not as they were indexed."""
    removed = []
    for record in store.documents.all():
        found = document_problems(store, record, dim)
        if found:
            store.remove(record.id)
            removed.append(record.name)
            actions.append(f"removed {record.name}, because {found[0]}")
    for document_id, name in store.files.unclaimed():
        store.remove(document_id)
        removed.append(name)
        actions.append(f"removed {name}, because it lies in no file")
    if store.database.strays() or store.files.problems():
        actions += _without_strays(store)
    return removed


def _without_strays(store: DocStore) -> list[str]:
    """Delete what belongs to no document."""
    with store.database.change() as connection:
        return [
            f"deleted {count} stray rows of {table}"
            for table in ("texts", "passages", "files", "document_tags")
            if (count := connection.execute(_STRAYS.format(table=table)).rowcount)
        ]


def _made_anew(
    folder: Path, store: DocStore, manifest: Manifest, actions: list[str]
) -> LiveVectors:
    """Vectors and words that are level with the database, in memory and on disk."""
    if lexical_problems(store):
        make_lexical_index(store.database)
        actions.append("made the index of words anew from the texts")
    vectors = LiveVectors(folder, store, manifest)
    if vectors.problems():
        for path in (folder / VECTORS, *folder.glob("vectors-*.faiss")):
            path.unlink(missing_ok=True)
        vectors = LiveVectors(folder, store, manifest)
        actions.append(f"made {VECTORS} anew from the database")
    store.fold()
    vectors.save()
    return vectors
