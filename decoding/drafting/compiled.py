"""What runs at every step of every answer: compiled where it could be, else as it is in Python.

Both forms give the same drafts, bit for bit (`tests/properties/test_compiled.py`); the compiled one
takes half the time of a step, and less with long references. It is built while Quoth is installed,
if there is a C++ compiler.
"""

from importlib.util import find_spec

_MODULES = ("_matching", "_votes", "_weighing", "_worth")

IS_COMPILED = all(find_spec(f"{__package__}.{name}") for name in _MODULES)
"""Whether a C++ compiler was there when Quoth was installed."""

if IS_COMPILED:
    from quoth.decoding.drafting._matching import Alike, Places
    from quoth.decoding.drafting._votes import grow
    from quoth.decoding.drafting._weighing import weigh
    from quoth.decoding.drafting._worth import best_part
else:
    from quoth.decoding.drafting.matching import Alike, Places
    from quoth.decoding.drafting.votes import grow
    from quoth.decoding.drafting.weighing import weigh
    from quoth.decoding.drafting.worth import best_part

__all__ = ["IS_COMPILED", "Alike", "Places", "best_part", "grow", "weigh"]
