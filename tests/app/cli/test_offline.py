"""Models of the hub where there is no network: one clear line, and nothing else."""

import os
import socket
import subprocess
import sys

import pytest

# The hub's client sleeps between its attempts, 23 seconds for each file.
QUOTH = "import time; time.sleep = lambda _: None; from quoth.app.cli import main; main()"


@pytest.fixture
def nobody():
    """An address at which nothing answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and no listen: connections are refused
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("option", [pytest.param("--embedder", marks=pytest.mark.slow), "--model"])
def test_a_model_that_cannot_be_fetched_is_one_line(option, nobody, tmp_path):
    document = tmp_path / "ravens.md"
    document.write_text("Ravens fly over the cliffs.\n", encoding="utf-8")
    command = [sys.executable, "-c", QUOTH, "ask", "why?", str(document), option, "nobody/none"]
    environment = os.environ | {
        "HF_ENDPOINT": nobody,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(tmp_path / "hub"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    (line,) = (one for one in done.stderr.splitlines() if not one.startswith("Index "))
    assert line.startswith("quoth: The ")
    assert "'nobody/none' could not be loaded" in line
    assert done.stdout == ""
