"""What a hostile file may do to the process that reads it: the name of the file says which."""

import ctypes
import os
import socket
import sys
import time
from pathlib import Path

import numpy as np

from quoth.errors import DocumentError
from quoth.retrieval.boxes import WordBoxes
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits


def read(name: str, content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Do what `name` says; by default, give the content as text."""
    deed = _DEEDS.get(name)
    text = deed(content) if deed else content.decode()
    return LoadedDocument(text=str(text), format="text")


def take_over(name: str, content: bytes, limits: LoadLimits) -> None:
    """Answer with bytes of one's own, as a reader would that the file has taken over."""
    if name == "taken-over":
        for number in range(3, 32):  # one of them leads to Quoth
            try:
                os.write(number, content)
            except OSError:
                continue
        os._exit(0)
    raise DocumentError("not this one")


def full_document(name: str, content: bytes, limits: LoadLimits) -> LoadedDocument:
    """A document in which every field holds something."""
    from quoth.types import Location

    rows = np.array([[0, 3, 1, 720, 7000, 800, 7100], [4, 7, 2, 720, 7000, 800, 7100]], np.int32)
    return LoadedDocument(
        text="One 𝔗wo",
        format="pdf",
        title="Títle",
        headings=(Heading(start=0, end=3, level=1, title="One"),),
        kept_whole=((0, 3), (4, 7)),
        page_starts=(0, 4),
        locations=(Location(start=0, label="slide 1"),),
        boxes=WordBoxes(rows=rows),
    )


def _sleep(content: bytes) -> None:
    time.sleep(3600)


def _spin(content: bytes) -> None:
    """Hold the interpreter: no thread of the process runs meanwhile."""
    ctypes.PyDLL(None).usleep(3_600_000_000)


def _allocate(content: bytes) -> None:
    held = []
    while True:
        held.append(bytearray(50_000_000))


def _allocate_in_c(content: bytes) -> None:
    """As a library in C does that does not check what it is given."""
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    while ctypes.memset(malloc(ctypes.c_size_t(50_000_000)), 1, 50_000_000):
        continue


def _exit(content: bytes) -> None:
    os._exit(3)


def _segfault(content: bytes) -> None:
    ctypes.string_at(8)


def _print_garbage(content: bytes) -> str:
    print("garbage" * 100_000)  # noqa: T201 - what a parser may do
    os.write(1, b"\xff" * 100_000)
    os.write(2, b"\xff" * 100_000)
    return "read all the same"


def _fault(content: bytes) -> None:
    raise KeyError("\x1b[31m forged")


def _recurse(content: bytes) -> int:
    return _recurse(content) + 1


def _environment(content: bytes) -> str:
    return f"{sorted(os.environ)} {Path.cwd()} {sys.argv}"


def _steal(content: bytes) -> str:
    return Path(content.decode()).read_text(encoding="utf-8")


def _write(content: bytes) -> str:
    path = Path(content.decode())
    path.write_text("x" * 10_000, encoding="utf-8")
    return "written"


def _connect(content: bytes) -> str:
    with socket.create_connection(("127.0.0.1", int(content)), timeout=5):
        return "connected"


def _signal(content: bytes) -> str:
    os.kill(int(content), 0)
    return "signalled"


def _process_id(content: bytes) -> str:
    return str(os.getpid())


_DEEDS = {
    "sleep": _sleep,
    "spin": _spin,
    "allocate": _allocate,
    "allocate-in-c": _allocate_in_c,
    "exit": _exit,
    "segfault": _segfault,
    "print": _print_garbage,
    "fault": _fault,
    "recurse": _recurse,
    "environment": _environment,
    "steal": _steal,
    "write": _write,
    "connect": _connect,
    "signal": _signal,
    "process-id": _process_id,
}
