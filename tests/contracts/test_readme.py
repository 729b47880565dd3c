"""What the README and the page on transformers show works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSFORMERS = (ROOT / "docs" / "transformers.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README + TRANSFORMERS, flags=re.DOTALL)
OUTPUT = re.compile(r"^print\(.*\)  # (.*)$", flags=re.MULTILINE)
LINKS = re.findall(r"\]\((?!https?:)([^)#]+)", README)


def test_it_is_short():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("number", range(len(PYTHON_BLOCKS)))
def test_every_python_example_runs(number, tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    result = subprocess.run(
        [sys.executable, "-c", PYTHON_BLOCKS[number]],
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
    said = OUTPUT.findall(PYTHON_BLOCKS[number])
    assert result.stdout.splitlines()[: len(said)] == said


def test_there_are_examples_of_the_assistant_and_of_the_decoder():
    assert any("Assistant" in block for block in PYTHON_BLOCKS)
    assert any("Decoder" in block and OUTPUT.search(block) for block in PYTHON_BLOCKS)
