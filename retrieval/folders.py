"""Where an index may be made."""

from pathlib import Path

from quoth.errors import InputError
from quoth.retrieval.database import DATABASE
from quoth.retrieval.locking import LOCK_FILE
from quoth.retrieval.manifest import MANIFEST


def check_free(folder: Path) -> None:
    """Refuse a folder that holds an index, or anything that is no part of one."""
    if (folder / MANIFEST).exists():
        raise InputError(f"There is an index in {folder} already. Open it, or give another folder.")
    ours = (DATABASE, LOCK_FILE, f"{MANIFEST}.")  # of a creation that was killed
    others = [path.name for path in folder.iterdir() if not path.name.startswith(ours)]
    if others:
        raise InputError(
            f"No index is made in {folder}, because it holds other things ({min(others)!r}). Give "
            f"an empty folder, or one that is not there yet."
        )
