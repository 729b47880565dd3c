"""What a process gives up before it touches hostile files. There is no way back.

Everywhere that the system knows them: limits on memory, open files, written files and new
processes. On Linux, Landlock (https://docs.kernel.org/userspace-api/landlock.html) besides: files
can be read only where Python and its libraries lie, nothing can be written, no TCP connection
made, no other process signalled. It does not know UDP, nor sockets that lie in the file system.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_OPEN_FILES = 64
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/proc/self")
_MIME_TYPES = ("/etc/mime.types", "/etc/httpd", "/etc/apache2")  # module `mimetypes` reads them
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every machine
_VERSION_ASKED = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
# Rights by Landlock version: to files (bits 0-12, 13, 14, 15), and to TCP (bind, connect) from 4.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_RIGHTS = 0b11
_SCOPES = 0b11  # from 6: abstract sockets and signals end at the process
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(max_memory_bytes: int) -> None:
    """Limit this thread and those it starts: no writing, no TCP, reading only of libraries.

    The whole process may map so much memory beyond what it has now, and open few files.
    """
    if sys.platform == "linux":
        package = str(Path(__file__).resolve().parent)  # not on the path if installed editable
        libraries = (*sys.path, sys.prefix, sys.base_prefix, package)
        _forbid_files_and_network([*libraries, *_SYSTEM, *_MIME_TYPES])
    _limit_resources(max_memory_bytes)


def forbid_new_processes() -> None:
    """Let this process start no process and no thread any more (root may still)."""
    _set_limits({"RLIMIT_NPROC": 0})


def _limit_resources(max_memory_bytes: int) -> None:
    memory = _address_space() + max_memory_bytes
    files = {"RLIMIT_NOFILE": _OPEN_FILES, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    _set_limits({"RLIMIT_AS": memory, **files})


def _set_limits(limits: Mapping[str, int]) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS by name only
                resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """The bytes that this process has mapped; 0 where that is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _forbid_files_and_network(readable: Iterable[str]) -> None:
    """Allow reading below `readable`, and nothing else; do nothing where Landlock is missing."""
    libc = ctypes.CDLL(None, use_errno=True)
    call = libc.syscall
    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_ASKED)
    if version < 1:
        return
    files = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    rules = _Ruleset(files, _TCP_RIGHTS, _SCOPES)
    size = ctypes.sizeof(rules) if version >= 6 else 16 if version >= 4 else 8  # of what it knows
    ruleset = call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return
    for path in dict.fromkeys(readable):
        _allow_reading(call, ruleset, path)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow_reading(call: "ctypes._NamedFuncPointer", ruleset: int, path: str) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return
    rights = _READ_FILE | _READ_FOLDER if Path(path).is_dir() else _READ_FILE
    rule = _PathBeneath(rights, opened)
    call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(opened)
