"""What happens when whoever reads the output goes away, as `head -1` does."""

import subprocess
import sys

import pytest

QUOTH = [sys.executable, "-c", "from quoth.app.cli import main; main()"]


def ended(arguments, *, closed):
    """Exit code and standard error of a command one of whose streams nobody reads any more."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, closed: subprocess.PIPE}
    with subprocess.Popen([*QUOTH, *arguments], text=True, **streams) as process:
        getattr(process, closed).close()
        said = "" if closed == "stderr" else process.stderr.read()
        return process.wait(timeout=120), said


def test_an_answer_and_a_list_that_nobody_reads_end_quietly(tmp_path):
    (tmp_path / "ravens.md").write_text("Ravens fly over the cliffs.\n" * 9, encoding="utf-8")
    code, said = ended(["ask", "Where do ravens fly?", "--docs", str(tmp_path)], closed="stdout")
    assert code == 141
    assert [line for line in said.splitlines() if not line.startswith("Index ")] == []
    assert ended(["index", "status", "--docs", str(tmp_path)], closed="stdout") == (141, "")


@pytest.mark.parametrize("command", [["--help"], ["ask", "--help"], ["--version"]])
def test_help_that_nobody_reads_ends_quietly(command):
    assert ended(command, closed="stdout") == (141, "")


def test_an_error_that_nobody_reads_ends_all_the_same():
    code, _ = ended(["ask", "why?", "--docs", "/no/such/file.md"], closed="stderr")
    assert code == 141


def test_an_error_is_still_told_to_whoever_reads_errors():
    code, said = ended(["ask", "why?", "--docs", "/no/such/file.md"], closed="stdout")
    assert code == 2
    assert said.startswith("quoth: There is no file or folder")
