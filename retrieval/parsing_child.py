"""The process that reads files that nobody vouches for. `parsing.py` starts, limits and kills it.

It takes files from its input and gives documents on its output until the input ends. It ends as
well when Quoth does: at once by the end of the input, and if the file holds the interpreter, by an
alarm that the system keeps.
"""

import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import IO

from quoth.errors import QuothError
from quoth.retrieval.confinement import confine, forbid_new_processes
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.parsing_wire import (
    MAX_STRUCTURE,
    MEMORY_STATUS,
    answer_parts,
    document_parts,
    read_request,
    write_frame,
)

Read = Callable[[str, bytes, LoadLimits], LoadedDocument]
_ALARM_S = 2.0  # after Quoth should have ended it
_LONGEST_TRACE = 4_000  # characters


def main(reader: str, max_memory_bytes: int) -> None:
    """Read files with `reader` ("module:function") until the input ends."""
    files, answers = _streams()
    module, function = reader.split(":")
    read: Read = getattr(import_module(module), function)
    requests: queue.SimpleQueue[tuple[str, bytes, LoadLimits]] = queue.SimpleQueue()
    confine(max_memory_bytes)
    threading.Thread(target=_receive, args=(files, requests), daemon=True).start()
    forbid_new_processes()
    write_frame(answers, answer_parts("ready"))
    while True:
        name, content, limits = requests.get()
        _set_alarm(limits.max_seconds + _ALARM_S)
        parts = _answer(read, name, content, limits)
        _set_alarm(0)
        write_frame(answers, parts)


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Input and output under other numbers: what parsers print does not get between the frames."""
    files, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    return files, answers


def _receive(
    files: IO[bytes], requests: "queue.SimpleQueue[tuple[str, bytes, LoadLimits]]"
) -> None:
    while True:
        try:
            requests.put(read_request(files))
        except MemoryError:
            os._exit(MEMORY_STATUS)
        except (EOFError, OSError):
            os._exit(0)


def _set_alarm(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _answer(read: Read, name: str, content: bytes, limits: LoadLimits) -> list[bytes]:
    try:
        parts = document_parts(read(name, content, limits))
    except QuothError as error:
        return answer_parts("refused", str(error))
    except MemoryError:
        os._exit(MEMORY_STATUS)
    except Exception:  # noqa: BLE001 - hostile files find faults; Quoth logs them
        return answer_parts("fault", traceback.format_exc()[-_LONGEST_TRACE:])
    if len(parts[0]) > MAX_STRUCTURE:
        return answer_parts("refused", "too large: it has too many headings, pages or cells")
    return parts
