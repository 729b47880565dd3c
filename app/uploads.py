"""Uploaded files: copied into the index's folder, under names that cannot lead anywhere else."""

import secrets
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

MAX_NAME_CHARS = 100


def store_uploads(index_path: Path, files: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """Copy uploaded files, each into a folder of its own with a random name.

    Args:
        index_path: The index's folder; the copies go below its `uploads`.
        files: Where the files lie now.
        names: What the user's machine called them; not trusted.

    Returns:
        The copies, in the same order.
    """
    stored = []
    for file, name in zip(files, names, strict=True):
        folder = index_path / "uploads" / secrets.token_hex(8)
        folder.mkdir(parents=True)
        stored.append(folder / clean_name(name))
        shutil.copyfile(file, stored[-1])
    return stored


def clean_name(name: str) -> str:
    """A file name made of letters, digits and ` ._-()`, without folders or leading dots.

    Example: "../../etc/pass<wd>.txt" -> "pass_wd_.txt".
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = (c if c.isalnum() or c in " ._-()" else "_" for c in unicodedata.normalize("NFC", base))
    cleaned = "".join(kept).strip(" .")
    stem, dot, suffix = cleaned.rpartition(".")
    if not dot:
        return cleaned[:MAX_NAME_CHARS] or "upload"
    return f"{stem[: MAX_NAME_CHARS - len(suffix) - 1] or 'upload'}.{suffix[:16]}"
