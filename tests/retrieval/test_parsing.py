"""Files are read in a process of its own, and nothing that a file does there reaches Quoth."""

import dataclasses
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.hostile_readers import full_document
from helpers.pdfs import make_pdf, paragraph
from quoth.errors import DocumentError, ParserStartError
from quoth.retrieval import HashingEmbedder, Index
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders import load
from quoth.retrieval.parsing import Parser

LIMITS = LoadLimits(max_seconds=1.5, max_memory_bytes=300_000_000)
HOSTILE = "helpers.hostile_readers:read"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a limit that only Linux has")


@pytest.fixture(scope="module")
def hostile() -> Iterator[Parser]:
    with Parser(LIMITS, reader=HOSTILE) as parser:
        yield parser


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("sleep", r"took longer than 1\.5 s to read"),
        ("spin", r"took longer than 1\.5 s to read"),
        ("exit", "its reader crashed"),
        ("segfault", "its reader crashed"),
        ("fault", "could not be read because of a fault in its reader"),
        ("recurse", "could not be read because of a fault in its reader"),
        pytest.param("allocate", "needed more than 300 MB to read", marks=on_linux),
        pytest.param("allocate-in-c", "its reader crashed", marks=on_linux),
    ],
)
def test_what_a_file_does_to_its_reader_is_a_plain_reason_and_the_next_one_is_read(
    hostile: Parser, deed: str, reason: str
) -> None:
    started = time.monotonic()
    with pytest.raises(DocumentError, match=f"^{reason}$"):
        hostile.load(deed, b"x")
    assert time.monotonic() - started < 20
    assert hostile.load("next.txt", b"is read").text == "is read"


def test_what_a_parser_prints_does_not_get_between_the_answers(hostile: Parser) -> None:
    assert hostile.load("print", b"").text == "read all the same"


def test_a_fault_is_logged_without_what_could_write_to_a_terminal(
    hostile: Parser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(DocumentError):
        hostile.load("fault", b"x")
    assert "forged" in caplog.text
    assert "\x1b" not in caplog.text


def test_the_reader_holds_no_secrets(
    hostile: Parser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    monkeypatch.chdir(tmp_path)
    with Parser(LIMITS, reader=HOSTILE) as parser:
        told = parser.load("environment", b"").text
    assert "API_KEY" not in told
    assert "secret" not in told
    assert f" {Path(sys.executable).anchor} " in told


def _has_landlock(version: int) -> bool:
    import ctypes

    return sys.platform == "linux" and ctypes.CDLL(None).syscall(444, None, 0, 1) >= version


@pytest.mark.skipif(not _has_landlock(6), reason="a kernel without Landlock 6")
def test_the_reader_signals_no_other_process(hostile: Parser) -> None:
    own = hostile.load("process-id", b"").text
    assert hostile.load("signal", own.encode()).text == "signalled"
    with pytest.raises(DocumentError, match="a fault in its reader"):
        hostile.load("signal", str(os.getpid()).encode())


@pytest.mark.skipif(not _has_landlock(4), reason="a kernel without Landlock 4")
def test_the_reader_reads_no_files_and_reaches_no_server(hostile: Parser, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1]).encode()
        for deed, content in [("steal", bytes(secret)), ("connect", port)]:
            with pytest.raises(DocumentError, match="a fault in its reader"):
                hostile.load(deed, content)


@pytest.mark.skipif(sys.platform == "win32", reason="a limit that Windows does not have")
def test_the_reader_writes_nothing(hostile: Parser, tmp_path: Path) -> None:
    target = tmp_path / "written"
    with pytest.raises(DocumentError, match="a fault in its reader"):
        hostile.load("write", bytes(target))
    assert not target.exists() or target.stat().st_size == 0


def test_hundreds_of_files_go_through_one_process(hostile: Parser) -> None:
    with Parser(LIMITS, reader=HOSTILE) as parser:
        assert len({parser.load("process-id", b"").text for _ in range(300)}) == 1


def test_a_file_is_not_blamed_for_what_an_earlier_one_left_behind() -> None:
    """The process is killed between two files; the second one is read by a fresh process."""
    with Parser(LIMITS, reader=HOSTILE) as parser:
        os.kill(int(parser.load("process-id", b"").text), signal.SIGKILL)
        assert parser.load("next.txt", b"is read").text == "is read"


def test_several_threads_may_load() -> None:
    with Parser(LIMITS, reader=HOSTILE) as parser:
        texts: list[str] = []
        threads = [
            threading.Thread(target=lambda: texts.append(parser.load("a.txt", b"text").text))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["text"] * 16


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("deed", ["", "sleep", "spin"])
def test_no_reader_outlives_a_killed_parent(deed: str, tmp_path: Path) -> None:
    """One that waits or sleeps ends at once; one that holds the interpreter, by its alarm."""
    program = tmp_path / "program.py"
    program.write_text(
        f"import sys, time; sys.path[:] = {sys.path!r}\n"
        "from quoth.retrieval.documents import LoadLimits\n"
        "from quoth.retrieval.parsing import Parser\n"
        f"parser = Parser(LoadLimits(max_seconds=1), reader={HOSTILE!r})\n"
        "print(parser.load('process-id', b'').text, flush=True)\n"
        "import threading, os, signal\n"
        "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
        f"parser.load({deed!r}, b'') if {deed!r} else time.sleep(60)\n",
        encoding="utf-8",
    )
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        reader = int(parent.stdout.readline())
        assert parent.wait(30) == -signal.SIGKILL
    deadline = time.monotonic() + 15
    while _is_alive(reader) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(reader)


def _is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rsplit(")")[-1]
    except OSError:
        return False
    return not state.startswith(" Z")


def test_a_document_comes_over_as_it_is() -> None:
    """Every field is carried; a field that is added to documents must be added to the wire."""
    made = full_document("", b"", LIMITS)
    empty = LoadedDocument(text="", format="")
    for field in dataclasses.fields(LoadedDocument):
        assert getattr(made, field.name) != getattr(empty, field.name), field.name
    with Parser(LIMITS, reader="helpers.hostile_readers:full_document") as parser:
        read = parser.load("a.pdf", b"x")
    assert read.boxes is not None
    assert made.boxes is not None
    assert (read.boxes.rows == made.boxes.rows).all()
    assert dataclasses.replace(read, boxes=None) == dataclasses.replace(made, boxes=None)


def _frame(structure: object, text: bytes = b"words", boxes: bytes = b"") -> bytes:
    head = structure if isinstance(structure, bytes) else json.dumps(structure).encode()
    return b"".join(len(part).to_bytes(8, "big") + part for part in (head, text, boxes))


GOOD = {
    "kind": "document", "format": "text", "title": "", "headings": [], "kept_whole": [],
    "page_starts": [0], "locations": [], "has_boxes": False,
}  # fmt: skip
BOX = (0).to_bytes(4, "little") + (5).to_bytes(4, "little") + (1).to_bytes(4, "little")


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff" * 64,  # a part of 2^64 bytes
        _frame(GOOD)[:-20],
        _frame(b"[" * 100_000),
        _frame([]),
        _frame({"kind": "nonsense"}),
        _frame(GOOD, text=b"\xff\xfe"),
        _frame(GOOD | {"title": 1}),
        _frame(GOOD | {"title": "\ud800"}),
        _frame(GOOD | {"title": "x" * 30_000}),
        _frame(GOOD | {"page_starts": [3, 1]}),
        _frame(GOOD | {"page_starts": [99]}),
        _frame(GOOD | {"page_starts": [-1]}),
        _frame(GOOD | {"page_starts": [0] * 6_000}),
        _frame(GOOD | {"page_starts": [True]}),
        _frame(GOOD | {"page_starts": None}),
        _frame(GOOD | {"headings": [[0, 99, 1, "x"]]}),
        _frame(GOOD | {"headings": [[0, 1, 0, "x"]]}),
        _frame(GOOD | {"headings": [[0, 1.5, 1, "x"]]}),
        _frame(GOOD | {"kept_whole": [[0, 3], [2, 4]]}),
        _frame(GOOD | {"locations": [[0]]}),
        _frame(GOOD | {"has_boxes": True}, boxes=b"123"),
        _frame(GOOD | {"has_boxes": True}, boxes=BOX.replace(b"\x05", b"\x63") + bytes(16)),
        _frame(GOOD | {"has_boxes": True, "page_starts": []}, boxes=BOX + bytes(16)),
    ],
    ids=range(23),
)
def test_a_reader_that_was_taken_over_is_not_believed(taken_over: Parser, answer: bytes) -> None:
    with pytest.raises(DocumentError, match="its reader crashed"):
        taken_over.load("taken-over", answer)


def test_the_answers_above_are_refused_for_what_is_wrong_with_them(taken_over: Parser) -> None:
    answer = _frame(GOOD | {"has_boxes": True}, boxes=BOX + bytes(16))
    document = taken_over.load("taken-over", answer)
    assert document.text == "words"
    assert document.boxes is not None


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Parser]:
    with Parser(reader="helpers.hostile_readers:take_over") as parser:
        yield parser


def test_a_reader_that_cannot_start_says_why() -> None:
    with (
        Parser(reader="no_such_module:read") as parser,
        pytest.raises(ParserStartError, match="no_such_module"),
    ):
        parser.load("a.txt", b"text")


@on_linux
def test_real_loaders_give_the_same_there_as_here_and_load_no_torch() -> None:
    files = {
        "a.pdf": make_pdf([paragraph(["Some words."]), paragraph(["More words."])]),
        "a.md": b"# Title\n\nWords.\n",
        "a.html": b"<h1>Title</h1><p>Words.</p>",
        "a.py": b"def function():\n    return 1\n",
    }
    with Parser() as parser:
        for name, content in files.items():
            there, here = parser.load(name, content), load(name, content)
            assert (there.text, there.headings, there.page_starts) == (
                here.text,
                here.headings,
                here.page_starts,
            )
        assert parser._process
        maps = Path(f"/proc/{parser._process._process.pid}/maps").read_text(encoding="utf-8")
    assert "pdfium" in maps
    assert "torch" not in maps
    assert "faiss" not in maps


def test_a_sync_goes_on_after_a_file_that_hangs(tmp_path: Path) -> None:
    """Combining marks in the wrong order: normalisation is quadratic in their number."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("a" + "\u0301\u0323" * 300_000, encoding="utf-8")
    (folder / "b.txt").write_text("A good file.", encoding="utf-8")
    limits = LoadLimits(max_seconds=1)
    with Index.create(tmp_path / "index", embedder=HashingEmbedder(), limits=limits) as index:
        report = index.sync([folder])
        assert report.added == 1
        assert [file.reason for file in report.skipped] == ["took longer than 1 s to read"]
        assert index.verify().is_clean
