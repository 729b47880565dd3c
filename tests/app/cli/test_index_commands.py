"""`quoth index`: the same paths in every command, JSON everywhere, watching until told to stop."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quoth.app.cli import run

EMBEDDER = ["--embedder", "hashing"]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("Ravens fly.\n", encoding="utf-8")
    (folder / "b.txt").write_text("Foxes run.\n", encoding="utf-8")
    return folder


def said(capsys, *arguments: str) -> dict:
    assert run(["index", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("form", [["{}"], ["--docs", "{}"]])
@pytest.mark.parametrize("command", ["status", "verify", "repair"])
def test_paths_are_named_alike_everywhere(docs, capsys, form, command) -> None:
    paths = [argument.format(docs) for argument in form]
    assert said(capsys, "sync", *paths, *EMBEDDER)["added"] == 2
    said(capsys, command, *paths)


def test_several_paths_after_docs(docs, capsys) -> None:
    paths = [str(docs / "a.txt"), str(docs / "b.txt")]
    assert said(capsys, "sync", "--docs", *paths, *EMBEDDER)["added"] == 2
    assert said(capsys, "status", *paths)["num_documents"] == 2


@pytest.mark.parametrize("command", ["sync", "watch"])
def test_without_paths_there_is_nothing_to_do(command, capsys) -> None:
    assert run(["index", command]) == 2
    assert "Give paths" in capsys.readouterr().err


def test_moves_and_copies_are_told(docs, capsys) -> None:
    assert run(["index", "sync", str(docs), *EMBEDDER]) == 0
    (docs / "a.txt").rename(docs / "z.txt")
    (docs / "c.txt").write_bytes((docs / "b.txt").read_bytes())
    capsys.readouterr()
    assert run(["index", "sync", str(docs), *EMBEDDER]) == 0
    out = capsys.readouterr().out
    assert "0 added, 0 changed, 0 removed, 1 moved, 1 duplicate, 1 unchanged" in out
    assert run(["index", "status", str(docs)]) == 0
    assert "b.txt  (text, 1 passage)  also c.txt" in capsys.readouterr().out
    assert len(said(capsys, "remove", "c.txt", "--docs", str(docs))["removed"]) == 1
    assert said(capsys, "status", str(docs))["num_documents"] == 1


def test_skipped_files_are_named_and_fail_only_if_wanted(docs, capsys) -> None:
    (docs / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["index", "sync", str(docs), *EMBEDDER]
    assert run(arguments) == 0
    assert "p.png: not a text document" in capsys.readouterr().err
    assert run([*arguments, "--strict"]) == 2
    assert "1 file could not be indexed" in capsys.readouterr().err


def test_a_repair_says_what_it_did(docs, capsys) -> None:
    folder = Path(said(capsys, "sync", str(docs), *EMBEDDER)["index"])
    assert run(["index", "repair", str(docs)]) == 0
    assert "nothing to repair" in capsys.readouterr().out
    (folder / "vectors.faiss").write_bytes(b"garbage")
    assert run(["index", "verify", str(docs)]) == 3
    assert "quoth index repair" in capsys.readouterr().err
    assert run(["index", "repair", str(docs)]) == 0
    assert "anew" in capsys.readouterr().out
    assert run(["index", "verify", str(docs)]) == 0


@pytest.mark.parametrize(
    "end", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_watching_prints_a_line_per_change_and_ends_when_told(docs, tmp_path, end) -> None:
    command = [sys.executable, "-c", "from quoth.app.cli import main; main()", "index", "watch"]
    where = ["--index", str(tmp_path / "i"), "--quiet-seconds", "0.1", "--json"]
    with subprocess.Popen(
        [*command, str(docs), *where, *EMBEDDER],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert json.loads(process.stdout.readline())["report"]["added"] == 2
        (docs / "c.txt").write_text("Owls hoot.\n", encoding="utf-8")
        assert json.loads(process.stdout.readline())["report"]["added"] == 1
        time.sleep(0.2)
        process.send_signal(end)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
