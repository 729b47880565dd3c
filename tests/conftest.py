"""Every test starts from the same ground: no network, no user settings, fixed seeds, one thread."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# A busy machine is no fault of what is tested.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point everything that is kept per user into a folder of this test run."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    for name in [name for name in os.environ if name.startswith("QUOTH_")]:
        if name != "QUOTH_TEST_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("QUOTH_HOME", str(home))


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - third parties draw from the global state


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real documents to measure on; set QUOTH_TEST_DATA to the folder that holds them."""
    folder = os.environ.get("QUOTH_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("QUOTH_TEST_DATA does not name a folder with the measuring data")
    return Path(folder)
