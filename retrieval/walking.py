"""Which files a sync is about: given paths, folders walked, junk left out."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quoth.errors import InputError
from quoth.retrieval.reports import SkippedFile

JUNK_FOLDERS = frozenset(
    {"__pycache__", "node_modules", "site-packages", "__MACOSX", "venv", "bower_components"}
)
JUNK_FILES = frozenset({"Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file to index. `identity` is what its document id is made from."""

    path: Path  # absolute
    name: str  # as the user knows it
    identity: str

    @property
    def document_id(self) -> str:
        """The same for the same place, whatever is in the file."""
        return hashlib.sha256(self.identity.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def find_files(
    paths: Sequence[Path], root: Path | None = None
) -> tuple[list[FoundFile], list[SkippedFile]]:
    """The files under `paths`, each once, in a fixed order, and what was passed over.

    A file is known by its path below the given folder, or below `root`; one that was given itself,
    by its name. With `root`, identity is the path below it too, so that the folder can move.

    Raises:
        InputError: A path does not exist.
    """
    found: dict[str, FoundFile] = {}
    skipped: list[SkippedFile] = []
    base = _absolute(root) if root else None
    for given in paths:
        path = _absolute(given)
        if not path.exists():
            raise InputError(f"There is no file or folder {str(given)!r}. Check the path.")
        places = _walk(path, skipped) if path.is_dir() else [path]
        for place in places:
            file = _found(place, path, base)
            found.setdefault(file.identity, file)
    return list(found.values()), skipped


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - links stay as they are


def _found(place: Path, given: Path, base: Path | None) -> FoundFile:
    if base and place.is_relative_to(base):
        name = place.relative_to(base).as_posix()
        return FoundFile(path=place, name=shown(name), identity=name)
    name = place.name if place == given else place.relative_to(given).as_posix()
    return FoundFile(path=place, name=shown(name), identity=place.as_posix())


def shown(name: str) -> str:
    """A file name that can be stored and printed, whatever bytes the disk holds."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _walk(folder: Path, skipped: list[SkippedFile]) -> Iterator[Path]:
    """Regular files below `folder`, sorted; links are not followed."""

    def note(error: OSError) -> None:
        reason = f"the folder cannot be read: {error.strerror}"
        skipped.append(SkippedFile(path=Path(error.filename), reason=reason))

    for place, folders, names in os.walk(folder, onerror=note, followlinks=False):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not _is_junk_folder(here / name))
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or name in JUNK_FILES:
                continue
            reason = _objection(path, folder)
            if reason is None:
                yield path
            elif reason:
                skipped.append(SkippedFile(path=path, reason=reason))


def _is_junk_folder(path: Path) -> bool:
    return (
        path.name.startswith(".")
        or path.name in JUNK_FOLDERS
        or (path / "pyvenv.cfg").is_file()
        or path.is_symlink()
    )


def _objection(path: Path, folder: Path) -> str | None:
    """Why a file is passed over; empty where nobody needs to know; None where it is fine."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if stat.S_ISLNK(mode):
        leads_out = not path.resolve().is_relative_to(folder.resolve())
        return "a link that leads out of the folder" if leads_out else ""
    return None if stat.S_ISREG(mode) else "not a regular file"
