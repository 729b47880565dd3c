"""What a forward pass costs by the number of its rows, learned from the passes that were run.

Timing them at start-up would cost a large model many seconds before its first token; the passes of
real decoding tell the same for nothing. A straight line is fitted to them with slow forgetting,
beginning with a guess that counts like a few passes.
"""

import threading
from collections.abc import Sequence

from quoth.decoding.drafting.compiled import best_part

_PRIOR_SLOPE = 0.028  # of the cost of a plain pass, per row
_PRIOR_BRANCH = 0.0  # of the cost of a plain pass, for each branch but the first
_BRANCH_STEP = 0.05  # how fast it follows what is seen
_PRIOR_ROWS, _PRIOR_WEIGHT = (4, 8, 16, 24), 3.0
_MEMORY = 0.995
_OUTLIER = 3.0  # a pass that took so many times what was expected tells of the machine's other work
_FLATTEST, _STEEPEST = 0.001, 1.0


class CostCurve:
    """Costs in units of a plain pass; safe to share among threads.

    Args:
        free_rows: The rows of a pass are filled up to a multiple of this.
    """

    def __init__(self, *, free_rows: int) -> None:
        self._free_rows = free_rows
        self._lock = threading.Lock()
        self._sums: list[float] | None = None  # of weight, rows, rows², seconds, rows·seconds
        self._slope = _PRIOR_SLOPE
        self._branch = _PRIOR_BRANCH

    def cost(self, rows: int, paths: int = 1) -> float:
        """Of one pass with `rows` rows in so many branches; a plain one costs 1.

        Rows that fill a pass up are not counted before they are used: guesses that are drafted only
        because their rows are there are seldom right.
        """
        surplus = max(0, rows - self._free_rows)
        return 1.0 + self._slope * surplus + self._branch * (paths - 1)

    def number_worth(self, chances: Sequence[float], *, sequences: int = 1) -> int:
        """How many of these guesses, best first, make the most tokens for what their pass costs.

        The pass serves `sequences` last tokens too, each of which gives a token for certain.
        """
        best, tokens = 0, float(sequences)
        best_rate = tokens / self.cost(sequences)
        for number, chance in enumerate(chances, start=1):
            tokens += chance
            rate = tokens / self.cost(sequences + number)
            if rate >= best_rate:
                best, best_rate = number, rate
        return best

    def best_part(self, chances: Sequence[float], parents: Sequence[int]) -> tuple[int, float]:
        """How many nodes of a draft make the most tokens for the cost, and how many per cost.

        They stand in the order of their chances, best first.
        """
        return best_part(chances, parents, self._free_rows, self._slope, self._branch)

    def _filled(self, rows: int) -> int:
        """Rows are filled up to a multiple of the least."""
        return -(-rows // self._free_rows) * self._free_rows

    def observe(self, rows: int, seconds: float, paths: int = 1) -> None:
        """A pass of so many rows in so many branches took so long."""
        rows = self._filled(rows)
        with self._lock:
            if self._sums is None:
                self._begin(seconds / self.cost(rows, paths))
            assert self._sums is not None
            intercept, slope = _line(self._sums)
            expected = max(intercept + slope * rows, 1e-9)
            seconds = min(max(seconds, expected / _OUTLIER), expected * _OUTLIER)
            if paths > 1:
                plain = max(intercept + slope * self._free_rows, 1e-9)
                branch = (seconds - expected) / plain / (paths - 1)
                branch = min(max(branch, 0.0), _STEEPEST)
                self._branch += _BRANCH_STEP * (branch - self._branch)
                return
            self._sums = [_MEMORY * part for part in self._sums]
            self._add(1.0, rows, seconds)
            intercept, slope = _line(self._sums)
            plain = intercept + slope * self._free_rows
            self._slope = min(max(slope / max(plain, 1e-9), _FLATTEST), _STEEPEST)

    def _begin(self, plain_seconds: float) -> None:
        self._sums = [0.0] * 5
        for rows in _PRIOR_ROWS:
            self._add(_PRIOR_WEIGHT, rows, self.cost(rows) * plain_seconds)

    def _add(self, weight: float, rows: int, seconds: float) -> None:
        assert self._sums is not None
        parts = (1.0, rows, rows * rows, seconds, rows * seconds)
        self._sums = [total + weight * part for total, part in zip(self._sums, parts, strict=True)]


def _line(sums: list[float]) -> tuple[float, float]:
    """Intercept and slope of the least squares."""
    weight, rows, squares, seconds, products = sums
    spread = weight * squares - rows * rows
    slope = (weight * products - rows * seconds) / spread if spread > 0 else 0.0
    return (seconds - slope * rows) / weight, slope
