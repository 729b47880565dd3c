"""Reading files that nobody vouches for, in a process that can be killed.

The process is started for the first file, reads many, and is started anew after one that killed
it, hung it or used up its memory. It holds no secrets: no environment, no open files, no way to
write. Nothing is read in Quoth's own process, not even plain text: bringing 64 KB of combining
marks into canonical order takes seconds (it is quadratic), 1 MB takes hours.
"""

import logging
import multiprocessing.spawn
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from quoth.errors import DocumentError, ParserStartError, ReaderError
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.parsing_wire import (
    MEMORY_STATUS,
    WireError,
    answer_sizes,
    document_from,
    kind_of,
    read_frame,
    request_parts,
    write_frame,
)

logger = logging.getLogger(__name__)

READER = "quoth.retrieval.loaders:load"
_START_S = 120.0
_FILES_PER_PROCESS = 500  # what leaks, leaks so far
_KEPT_ENVIRONMENT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_BOOT = (
    "import sys; sys.path[:] = sys.argv[3:]; from quoth.retrieval.parsing_child import main; "
    "main(sys.argv[1], int(sys.argv[2]))"
)


class _ProcessEndedError(Exception):
    """It ended, or was ended, before it answered."""

    def __init__(self, reason: str, *, may_be_older: bool) -> None:
        self.may_be_older = may_be_older  # the fault may come from a file that it read before
        super().__init__(reason)


class Parser:
    """Loads documents in a process of its own; a context manager that ends it.

    Any thread may call; files are read one at a time.
    """

    def __init__(self, limits: LoadLimits | None = None, *, reader: str = READER) -> None:
        """`reader` names what reads: "module:function", with the arguments of `loaders.load`."""
        self.limits = limits or LoadLimits()
        self._reader = reader
        self._process: _Process | None = None
        self._changing = threading.Lock()

    def load(self, name: str, content: bytes) -> LoadedDocument:
        """Load the file `name` from its bytes.

        Raises:
            DocumentError: It cannot be read; the message is a plain reason.
            ParserStartError: The process that would read it does not start.
        """
        with self._changing:
            process = self._running()
            is_fresh = process.num_files == 0
            try:
                return self._load(process, name, content)
            except _ProcessEndedError as error:
                if is_fresh or not error.may_be_older:
                    raise ReaderError(str(error)) from error
            try:
                return self._load(self._running(), name, content)
            except _ProcessEndedError as error:
                raise ReaderError(str(error)) from error

    def close(self) -> None:
        """End the process. The next file would start another."""
        with self._changing:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _running(self) -> "_Process":
        if self._process and self._process.num_files >= _FILES_PER_PROCESS:
            self._end()
        if self._process is None:
            self._process = _Process(self._reader, self.limits)
        return self._process

    def _load(self, process: "_Process", name: str, content: bytes) -> LoadedDocument:
        try:
            return process.load(name, content)
        except DocumentError:
            raise
        except BaseException:  # an interruption, too, leaves half an answer behind
            self._end()
            raise

    def _end(self) -> None:
        if self._process:
            self._process.kill()
        self._process = None


class _Process:
    """One process that reads files."""

    def __init__(self, reader: str, limits: LoadLimits) -> None:
        self._limits = limits
        self.num_files = 0
        with tempfile.TemporaryFile() as complaints:
            self._process = _started(reader, limits, complaints)
            self._files = cast("IO[bytes]", self._process.stdin)
            self._answers = cast("IO[bytes]", self._process.stdout)
            try:
                with _Deadline(self, _START_S):
                    read_frame(self._answers, answer_sizes(limits))
            except (EOFError, WireError) as error:
                self.kill()
                complaints.seek(0)
                last = complaints.read().decode(errors="replace").strip().rsplit("\n", 1)[-1]
                raise ParserStartError(
                    f"The process that reads files does not start: {last or 'it says nothing'}. "
                    f"It is {self._process.args!r}."
                ) from error

    def load(self, name: str, content: bytes) -> LoadedDocument:
        """Load one file.

        Raises:
            DocumentError: The reader says that it cannot be read.
            _ProcessEndedError: The process ended or answered nonsense.
        """
        self.num_files += 1
        with _Deadline(self, self._limits.max_seconds) as deadline:
            try:
                write_frame(self._files, request_parts(name, content, self._limits))
                parts = read_frame(self._answers, answer_sizes(self._limits))
            except (EOFError, OSError, WireError) as error:
                self.kill()
                raise self._why(name, error, is_late=deadline.has_passed) from error
        try:
            return self._document(name, parts)
        except WireError as error:
            self.kill()
            raise self._why(name, error, is_late=False) from error

    def kill(self) -> None:
        """End the process and whatever it started; wait until it is gone."""
        self.interrupt()
        self._process.wait()
        for stream in (self._files, self._answers):
            try:
                stream.close()
            except OSError:  # what was not sent is not needed
                continue

    def interrupt(self) -> None:
        """End the process; any thread may, also while another waits for it."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.kill()
        else:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _document(self, name: str, parts: Sequence[bytes]) -> LoadedDocument:
        kind, message = kind_of(parts)
        if kind == "document":
            return document_from(parts, self._limits)
        if kind == "refused":
            raise DocumentError(_printable(message))
        if kind == "fault":
            logger.error("The reader of %r failed: %s", name, _printable(message))
            raise ReaderError("could not be read because of a fault in its reader")
        raise WireError(f"an answer of the kind {kind!r}")

    def _why(self, name: str, error: Exception, *, is_late: bool) -> _ProcessEndedError:
        status = self._process.returncode
        logger.warning("The reader of %r ended: %r, status %s", name, error, status)
        if is_late:
            seconds = self._limits.max_seconds
            return _ProcessEndedError(f"took longer than {seconds:g} s to read", may_be_older=False)
        if status == MEMORY_STATUS:
            megabytes = self._limits.max_memory_bytes // 1_000_000
            reason = f"needed more than {megabytes:,} MB to read"
            return _ProcessEndedError(reason, may_be_older=True)
        return _ProcessEndedError("its reader crashed", may_be_older=True)


class _Deadline:
    """Ends the process when the time is over."""

    def __init__(self, process: _Process, seconds: float) -> None:
        self._process = process
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self.has_passed = False

    def _pass(self) -> None:
        self.has_passed = True
        self._process.interrupt()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()
        self._timer.join()


def _started(reader: str, limits: LoadLimits, complaints: IO[bytes]) -> "subprocess.Popen[bytes]":
    paths = [str(Path(path).absolute()) for path in sys.path]
    command = [_python(), "-I", "-B", "-c", _BOOT, reader, str(limits.max_memory_bytes), *paths]
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=kept | _ONE_THREAD,
            cwd=Path(sys.executable).anchor or os.sep,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise ParserStartError(
            f"The process that reads files does not start: {error.strerror}. It is {command[0]!r}."
        ) from error


def _python() -> str:
    executable = multiprocessing.spawn.get_executable()
    return os.fsdecode(executable) if executable else sys.executable


def _printable(message: str) -> str:
    """Without what could write to a terminal or forge lines of a log."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in message).replace(
        "\n", "\n  "
    )
