"""Writers that are killed at random moments lose nothing that they told of; see bench/kills.py."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from killing.checks import Result, check
from killing.writers import opened

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
KILLS = Path(__file__).resolve().parents[2] / "bench" / "kills.py"


def killed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """What a run in a process of its own reports: threads of other tests must not be forked."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, KILLS, str(kills), "--seed", str(seed)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["problems"] == []
    assert (report["documents_lost"], report["passages_lost"]) == (0, 0)
    assert report["survived"] == report["kills"] == kills
    return report


def test_a_few_kills_at_random_moments(tmp_path: Path) -> None:
    assert killed(tmp_path, 12, seed=3)["documents_told"] > 10


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_kills_at_random_moments(tmp_path: Path, seed: int) -> None:
    assert len(killed(tmp_path, 250, seed)["killed_at"]) >= 5  # they came at different moments


def test_the_check_sees_a_document_that_is_missing(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    with opened(tmp_path):
        pass
    result = Result()
    told = {"event": "replaced", "id": "x", "sha256": "0", "passages": 3}
    check(tmp_path, docs, {}, [told], result)
    assert (result.documents_lost, result.passages_lost) == (1, 3)
