"""Zip-based files, opened under guard: bombs and tricks are refused before anything is unpacked.

What the directory of the archive declares is checked first; what is then read can never exceed it.
Entries are read into memory, never written anywhere, and archives within the archive stay closed.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator

from quoth.errors import DocumentError
from quoth.retrieval.documents import MEBIBYTE, LoadLimits

_DIRECTORY_ENTRY = b"PK\x01\x02"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_HEADER_BYTES = 30  # of a local entry, without its name
_IS_ENCRYPTED = 0x1
_SMALL = 8 * MEBIBYTE  # unpacked; so much may come of any ratio
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)


class Archive:
    """A zip file in memory. Names are found whatever their case, as office programs find them."""

    def __init__(self, content: bytes, limits: LoadLimits) -> None:
        """Look through the directory of the archive `content`.

        Raises:
            DocumentError: It is broken, encrypted, or would unpack to more than `limits` allow.
        """
        if content.count(_DIRECTORY_ENTRY) > limits.max_entries:
            raise DocumentError(f"too large: an archive of more than {limits.max_entries:,} files")
        self._limits = limits
        self._num_read = 0
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            entries = self._zip.infolist()
        except _FAULTS as error:
            raise DocumentError("broken: its zip directory cannot be read") from error
        _check_sizes(entries, len(content), limits)
        _check_overlaps(entries, len(content))
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            _check_entry(entry)
            if entry.is_dir():
                continue
            if self._entries.setdefault(_key(entry.filename), entry) is not entry:
                raise DocumentError(f"broken: it holds two files named {entry.filename!r}")

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names of the files in it, with `/` between folders."""
        return (entry.filename.replace("\\", "/") for entry in self._entries.values())

    def read(self, name: str) -> bytes:
        """The unpacked file `name`.

        Raises:
            DocumentError: There is none, it is damaged, or it is larger than `max_part_bytes`.
        """
        entry = self._entry(name)
        if entry.file_size > self._limits.max_part_bytes:
            raise DocumentError(
                f"too large: {name!r} within it has {entry.file_size:,} bytes, and "
                f"{self._limits.max_part_bytes:,} are allowed"
            )
        try:
            with self._zip.open(entry) as file:
                content = file.read(entry.file_size + 1)  # without a size it all is unpacked first
        except _FAULTS as error:
            raise _damaged(name) from error
        self._count(len(content))
        return content

    def pieces(self, name: str) -> Iterator[bytes]:
        """The unpacked file `name`, piece by piece: for large ones that are never held whole.

        Raises:
            DocumentError: There is none, or it is damaged; the latter may show only at its end.
        """
        entry = self._entry(name)
        try:
            with self._zip.open(entry) as file:
                while piece := file.read(1 << 16):
                    self._count(len(piece))
                    yield piece
        except DocumentError:
            raise
        except _FAULTS as error:
            raise _damaged(name) from error

    def _count(self, size: int) -> None:
        """Files may be read again, but not again and again: many references make a bomb, too."""
        self._num_read += size
        if self._num_read > 2 * self._limits.max_unpacked_bytes:
            raise DocumentError(
                f"too large: its parts refer to each other so often that more than "
                f"{2 * self._limits.max_unpacked_bytes:,} bytes would be read"
            )

    def _entry(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._entries[_key(name)]
        except KeyError:
            raise DocumentError(f"broken: the file {name!r} within it is missing") from None


def _key(name: str) -> str:
    return name.replace("\\", "/").casefold()


def _damaged(name: str) -> DocumentError:
    return DocumentError(f"broken: {name!r} within it cannot be unpacked")


def _check_sizes(entries: list[zipfile.ZipInfo], size: int, limits: LoadLimits) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        raise DocumentError(
            f"too large: it would unpack to {unpacked:,} bytes, and "
            f"{limits.max_unpacked_bytes:,} are allowed"
        )
    if unpacked > max(_SMALL, limits.max_unpack_ratio * size):
        raise DocumentError(
            f"looks like a zip bomb: {size:,} bytes would unpack to {unpacked:,}; a ratio of "
            f"{limits.max_unpack_ratio} is allowed"
        )


def _check_overlaps(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Entries that share their bytes unpack to far more than their archive could hold."""
    ordered = sorted(entries, key=_offset)
    ends = [entry.header_offset + _HEADER_BYTES + entry.compress_size for entry in ordered]
    starts = [*map(_offset, ordered[1:]), size]
    if any(end > start for end, start in zip(ends, starts, strict=False)):
        raise DocumentError("looks like a zip bomb: files within it share their bytes")


def _offset(entry: zipfile.ZipInfo) -> int:
    return entry.header_offset


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if entry.flag_bits & _IS_ENCRYPTED:
        raise DocumentError("encrypted: save it without a password")
    if entry.compress_type not in _METHODS:
        raise DocumentError(f"not readable: {name!r} within it is packed in an unusual way")
    if not name:
        raise DocumentError("broken: a file within it has no name")
    if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]:
        raise DocumentError(f"not safe: the path {name!r} within it leads out of it")
