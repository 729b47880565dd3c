"""Arrays in one checked file: the safetensors format, read as a memory map.

Its metadata say what kind of file it is, in which version, and which tokenizer its token ids belong
to, with a checksum over all of that and every array. A file whose checksum is wrong is not read at
all; one that somebody made on purpose can still hold any numbers, so its readers check those too.

`write_arrays` puts a new file in the place of an old one, so whoever has that one mapped goes on
reading it. A file that is cut or written over where it lies, by whatever other program, takes the
ground from under its readers: the system ends them (SIGBUS) when they touch what is gone. Replace
such files as `write_arrays` does; never copy onto them.
"""

import json
import os
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from quoth.errors import DraftStoreError, TokenizerMismatchError

Arrays = dict[str, NDArray[Any]]

_LENGTH_BYTES = 8  # of the header, little endian
_MAX_HEADER = 1 << 16
_DTYPES = {"U8": "<u1", "U32": "<u4"}


def write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], *, kind: str, version: int, tokenizer: str
) -> None:
    """Write arrays of one dimension; the file at `path` is the old one or the new one, never half.

    Raises:
        DraftStoreError: The file cannot be written.
    """
    about: dict[str, object] = {"kind": kind, "version": version, "tokenizer": tokenizer}
    about["checksum"] = _checksum(about, arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, arrays, {"about": json.dumps(about)})  # one entry: they are in no order
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DraftStoreError(f"{str(path)!r} cannot be written: {reason}.") from error


def read_arrays(
    path: Path, dtypes: Mapping[str, str], *, kind: str, version: int, tokenizer: str
) -> Arrays:
    """Map the arrays of a file.

    Args:
        path: A file that `write_arrays` made.
        dtypes: The arrays that it must hold, with their types as NumPy writes them ("<u4").
        kind: What the file must say it is.
        version: The version of that kind that the caller can read.
        tokenizer: The fingerprint that its token ids must belong to.

    Raises:
        TokenizerMismatchError: It was made with another tokenizer.
        DraftStoreError: It is not there, damaged, or another kind or version of file.
    """
    try:
        data: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r")
        header, about, start = _header(data)
        arrays = {name: _array(data[start:], header.pop(name), dtypes[name]) for name in dtypes}
    except OSError as error:
        raise DraftStoreError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, kind) from error
    checksum = about.pop("checksum", None)
    held = sum(array.nbytes for array in arrays.values())
    if header or start + held != len(data) or checksum != _checksum(about, arrays):
        raise _damaged(path, kind)
    wanted = {"kind": kind, "version": version, "tokenizer": tokenizer}
    _check_identity(path, about, wanted)
    return arrays


def _check_identity(path: Path, about: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    """Whether the file is what the caller wants, by its own word."""
    told = {name: about.get(name) for name in wanted}
    if (told["kind"], told["version"]) != (wanted["kind"], wanted["version"]):
        raise DraftStoreError(
            f"{str(path)!r} holds {told['kind']} in version {told['version']}; this program reads "
            f"{wanted['kind']} in version {wanted['version']}. Make it again."
        )
    if told["tokenizer"] != wanted["tokenizer"]:
        raise TokenizerMismatchError(
            f"{str(path)!r} was made with another tokenizer ({told['tokenizer']}) than that of "
            f"the model ({wanted['tokenizer']}). Make it again with this model."
        )


def _replace(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: dict[str, str]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        save_file(dict(arrays), temporary, metadata=metadata)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _header(data: NDArray[np.uint8]) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The entries of the arrays, what the file says about itself, and where the arrays begin."""
    length = int.from_bytes(data[:_LENGTH_BYTES].tobytes(), "little")
    start = _LENGTH_BYTES + length
    if length > _MAX_HEADER or start > len(data):
        raise ValueError("the header is longer than the file")
    header = json.loads(data[_LENGTH_BYTES:start].tobytes())
    about = dict(json.loads(header.pop("__metadata__")["about"]))
    return header, about, start


def _array(data: NDArray[np.uint8], entry: Mapping[str, Any], dtype: str) -> NDArray[Any]:
    """One array, not copied."""
    (length,) = entry["shape"]
    first, last = entry["data_offsets"]
    if _DTYPES[entry["dtype"]] != dtype or not all(
        type(number) is int for number in (length, first, last)
    ):
        raise ValueError("not the type that is wanted")
    if not 0 <= first <= last <= len(data) or last - first != length * np.dtype(dtype).itemsize:
        raise ValueError("an array lies outside the file")
    return data[first:last].view(dtype)


def _checksum(about: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> str:
    """CRC-32 of everything, in hexadecimal; against accidents, not against people."""
    said = json.dumps([about, [(name, len(arrays[name])) for name in sorted(arrays)]])
    checksum = zlib.crc32(said.encode())
    for name in sorted(arrays):
        checksum = zlib.crc32(np.ascontiguousarray(arrays[name]).data, checksum)
    return f"{checksum:08x}"


def _damaged(path: Path, kind: str) -> DraftStoreError:
    return DraftStoreError(
        f"{str(path)!r} is damaged, or was never a file of {kind}. Make it again."
    )
