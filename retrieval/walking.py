"""Which files a sync is about: given paths, folders walked, junk left out."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from quoth.errors import InputError
from quoth.retrieval.database import DATABASE
from quoth.retrieval.manifest import MANIFEST
from quoth.retrieval.reports import SkippedFile

JUNK_FOLDERS = frozenset(
    {"__pycache__", "node_modules", "site-packages", "__MACOSX", "venv", "bower_components"}
)
INDEX_MARKS = (MANIFEST, DATABASE)  # a folder with both is an index, and does not index itself
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


class CoveredFolders:
    """The folders that a sync has looked through: what is missing there has been deleted.

    What could not be read is not among them, or a failing disk would empty the index; nor is what
    a walk leaves out, because it may have been given by itself. Places are compared as the index
    stores them, so of two folders whose names differ only in bytes that cannot be shown, each
    counts as the other.
    """

    def __init__(
        self, looked_through: Sequence[Path], left_out: Sequence[Path], base: Path | None
    ) -> None:
        self._looked_through = _places(looked_through, base)
        self._left_out = _places(left_out, base)

    def __contains__(self, path: str) -> bool:
        place = PurePosixPath(path)
        around = {place, *place.parents}
        return not around.isdisjoint(self._looked_through) and around.isdisjoint(self._left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """What a walk found, each file once, and what it passed over."""

    files: tuple[FoundFile, ...]
    skipped: tuple[SkippedFile, ...]
    covered: CoveredFolders


def find_files(paths: Sequence[Path], root: Path | None = None) -> FoundFiles:
    """The files under `paths`, each once, in a fixed order, and what was passed over.

    A file is known by its path below the given folder, or below `root`; one that was given itself,
    by its name. With `root`, identity is the path below it too, so that the folder can move.

    Raises:
        InputError: A path does not exist.
    """
    base = _absolute(root) if root else None
    found: dict[str, FoundFile] = {}
    folders: list[Path] = []
    walk = _Walk()
    for given in paths:
        path = _absolute(given)
        if not path.exists():
            raise InputError(f"There is no file or folder {str(given)!r}. Check the path.")
        if path.is_dir():
            folders.append(path)
        for place in walk.files(path) if path.is_dir() else [path]:
            file = _found(place, path, base)
            found.setdefault(file.identity, file)
    return FoundFiles(
        files=tuple(found.values()),
        skipped=tuple(dict.fromkeys(walk.skipped)),  # of two folders, one may lie in the other
        covered=CoveredFolders(folders, walk.left_out, base),
    )


def _places(paths: Sequence[Path], base: Path | None) -> set[PurePosixPath]:
    return {PurePosixPath(shown(_identity(path, base))) for path in paths}


def _identity(path: Path, base: Path | None) -> str:
    return (path.relative_to(base) if base and path.is_relative_to(base) else path).as_posix()


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - links stay as they are


def _found(place: Path, given: Path, base: Path | None) -> FoundFile:
    identity = _identity(place, base)
    if base and place.is_relative_to(base):
        return FoundFile(path=place, name=shown(identity), identity=identity)
    name = place.name if place == given else place.relative_to(given).as_posix()
    return FoundFile(path=place, name=shown(name), identity=identity)


def shown(name: str) -> str:
    """A file name that can be stored and printed, whatever bytes the disk holds."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


@dataclass(slots=True)
class _Walk:
    """Goes through folders; remembers what it passed over, and what it did not look at."""

    skipped: list[SkippedFile] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)

    def files(self, folder: Path) -> Iterator[Path]:
        """Regular files below `folder`, sorted; links are not followed."""
        for place, folders, names in os.walk(folder, onerror=self._note, followlinks=False):
            here = Path(place)
            junk = {name for name in folders if _is_junk_folder(here / name)}
            self.left_out += (here / name for name in junk)
            folders[:] = sorted(set(folders) - junk)
            for name in sorted(names):
                if self._takes(here / name, folder):
                    yield here / name

    def _takes(self, path: Path, folder: Path) -> bool:
        if path.name.startswith(".") or path.name in JUNK_FILES:
            self.left_out.append(path)
            return False
        try:
            reason = _objection(path, folder)
        except OSError as error:
            self.left_out.append(path)
            reason = f"cannot be read: {error.strerror}"
        if reason:
            self.skipped.append(SkippedFile(path=path, reason=reason))
        return reason is None

    def _note(self, error: OSError) -> None:
        path = Path(error.filename)
        self.left_out.append(path)
        reason = f"the folder cannot be read: {error.strerror}"
        self.skipped.append(SkippedFile(path=path, reason=reason))


def _is_junk_folder(path: Path) -> bool:
    return (
        path.name.startswith(".")
        or path.name in JUNK_FOLDERS
        or (path / "pyvenv.cfg").is_file()
        or all((path / mark).is_file() for mark in INDEX_MARKS)
        or path.is_symlink()
    )


def _objection(path: Path, folder: Path) -> str | None:
    """Why a file is passed over; empty where nobody needs to know; None where it is fine."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        leads_out = not path.resolve().is_relative_to(folder.resolve())
        return "a link that leads out of the folder" if leads_out else ""
    return None if stat.S_ISREG(mode) else "not a regular file"
