"""How far to believe drafters: what they said of their guesses against what came of them.

Kept per set of drafters that agree, depth and chance, learned online with slow forgetting.
"""

_PRIOR_WEIGHT = 20.0  # guesses that the drafters' own word counts for
_MEMORY = 0.99  # of a group, at each of its guesses
_DEEPEST, _STEPS = 3, 4  # groups: depths 0 to 3 and deeper, quarters of chance


class Agreement:
    """Corrected chances of guesses, each given that the tokens before it are right."""

    def __init__(self) -> None:
        self._expected: dict[tuple[int, int, int], float] = {}
        self._right: dict[tuple[int, int, int], float] = {}

    def chance(self, makers: int, depth: int, told: float) -> float:
        """What a guess is worth of which its `makers` (bits) tell this chance."""
        group = _group(makers, depth, told)
        known = self._expected.get(group)
        if known is None:
            return told
        counted = _PRIOR_WEIGHT * told
        return min(0.99, told * (self._right[group] + counted) / (known + counted + 1e-9))

    def learn(self, makers: int, depth: int, told: float, *, was_right: bool) -> None:
        """The model has spoken where the guess stood."""
        group = _group(makers, depth, told)
        self._expected[group] = self._expected.get(group, 0.0) * _MEMORY + told
        self._right[group] = self._right.get(group, 0.0) * _MEMORY + was_right


def _group(makers: int, depth: int, told: float) -> tuple[int, int, int]:
    return makers, min(depth, _DEEPEST), min(int(told * _STEPS), _STEPS - 1)
