"""What runs at every step of every answer: compiled where it could be, else as it is in Python.

Both forms give the same drafts, bit for bit (`tests/properties/test_compiled.py`); the compiled one
takes half the time of a step, and less with long references. It is built while Quoth is installed,
if there is a C++ compiler.
"""

try:
    from quoth.decoding.drafting._matching import Alike, Places, weigh
    from quoth.decoding.drafting._votes import best_part, grow

    IS_COMPILED = True
except ImportError:  # there was no compiler
    from quoth.decoding.drafting.matching import Alike, Places
    from quoth.decoding.drafting.votes import grow
    from quoth.decoding.drafting.weighing import weigh
    from quoth.decoding.drafting.worth import best_part

    IS_COMPILED = False

__all__ = ["IS_COMPILED", "Alike", "Places", "best_part", "grow", "weigh"]
