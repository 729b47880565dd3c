"""What `import quoth` gives, and what it costs."""

import subprocess
import sys

import pytest

import quoth
from quoth import errors

HEAVY = ("torch", "faiss", "gradio", "transformers", "sentence_transformers", "langchain_core")


@pytest.mark.parametrize("module", ["quoth", "quoth.retrieval", "quoth.decoding", "quoth.app.cli"])
def test_importing_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_importing_takes_less_than_a_fifth_of_a_second():
    """Best of five, for other processes disturb the clock; the interpreter's start apart."""
    code = "import time; t = time.perf_counter(); import quoth; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(times) < 0.2


def test_every_public_name_can_be_had():
    for name in quoth.__all__:
        assert getattr(quoth, name) is not None
    assert dir(quoth) == sorted(quoth.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        quoth.nonsense  # noqa: B018 - the access is what is tested


def error_classes():
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.QuothError)
    ]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_stands_in_the_drawn_tree(error):
    assert error.__name__ in (errors.__doc__ or "")
    assert error.__doc__
    assert error.exit_code in range(1, 8)
