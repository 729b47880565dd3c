"""Uploaded files: copied into the index's folder, under names that cannot lead anywhere else."""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

MAX_NAME_BYTES = 200  # file systems allow 255
MAX_SUFFIX_BYTES = 16
UPLOADS = "uploads"


def store_uploads(index_path: Path, files: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """Copy uploaded files, each into a folder that is named by its content.

    So a file that is uploaded twice is one document.

    Args:
        index_path: The index's folder; the copies go below its `uploads`.
        files: Where the files lie now.
        names: What the user's machine called them; not trusted.

    Returns:
        The copies, in the same order.
    """
    stored = []
    for file, name in zip(files, names, strict=True):
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        folder = index_path / UPLOADS / digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        stored.append(folder / clean_name(name))
        shutil.copyfile(file, stored[-1])
    return stored


def is_upload(index_path: Path, path: Path) -> bool:
    """Whether `path`, as the index knows it, is a copy that `store_uploads` made."""
    folder = os.path.abspath(index_path / UPLOADS)  # noqa: PTH100 - links stay as they are
    return Path(os.path.abspath(path)).is_relative_to(folder)  # noqa: PTH100 - as above


def discard_upload(index_path: Path, path: Path) -> None:
    """Delete a copy that `store_uploads` made; a path from anywhere else is left alone."""
    if is_upload(index_path, path):
        path.unlink(missing_ok=True)
        with suppress(OSError):  # other files may lie there, or nothing at all
            path.parent.rmdir()


def clean_name(name: str) -> str:
    """A file name made of letters, digits and ` ._-()`, without folders or leading dots.

    Example: "../../etc/pass<wd>.txt" -> "pass_wd_.txt".
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = (c if c.isalnum() or c in " ._-()" else "_" for c in unicodedata.normalize("NFC", base))
    cleaned = "".join(kept).strip(" .") or "upload"
    suffix = Path(cleaned).suffix
    if len(suffix.encode()) > MAX_SUFFIX_BYTES:
        suffix = ""
    stem = cleaned.removesuffix(suffix).encode()[: MAX_NAME_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore") + suffix
