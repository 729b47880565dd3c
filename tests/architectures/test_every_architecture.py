"""Every class of the installed transformers: the same text as `generate`, or refused; some minutes.

The table of docs/models.md comes from the same checks: bench/architectures.py.
"""

import pytest

from helpers.architecture_check import check
from helpers.tiny_architectures import model_types, tiny_model
from helpers.tiny_families import UNBUILT

pytestmark = pytest.mark.slow

REFUSED = {"cpmant", "musicgen", "musicgen_melody", "reformer", "xlm", "xlnet"}


@pytest.mark.parametrize("model_type", [name for name in model_types() if name not in UNBUILT])
def test_its_text_is_that_of_generate(model_type):
    verdict = check(tiny_model(model_type))
    assert verdict.quoth in ("accelerated", "plain", "refused"), verdict.reason
    assert (verdict.quoth == "refused") == (model_type in REFUSED), verdict.reason
    if verdict.lookup == "equal":
        assert verdict.quoth == "accelerated"
