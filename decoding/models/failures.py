"""What a model's own code may raise when it is called in a way that it was not made for."""

from quoth.errors import UnsupportedModelError

MODEL_FAILURES = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    UnsupportedModelError,
)
