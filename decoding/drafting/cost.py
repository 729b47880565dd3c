"""What a forward pass costs by the number of its rows, learned from the passes that were run.

DESIGN's start-up timing would cost a large model many seconds before its first token; the passes of
real decoding tell the same for nothing. A straight line is fitted to them with slow forgetting,
beginning with a guess that counts like a few passes.
"""

import threading
from collections.abc import Sequence

_PRIOR_SLOPE = 0.025  # of the cost of a plain pass, per row
_PRIOR_ROWS, _PRIOR_WEIGHT = (4, 8, 16, 24), 3.0
_MEMORY = 0.995
_OUTLIER = 3.0  # a pass that took so many times what was expected tells of the machine's other work
_FLATTEST, _STEEPEST = 0.001, 1.0


class CostCurve:
    """Costs in units of a plain pass; safe to share among threads.

    Args:
        free_rows: A pass has at least so many rows, so up to there all cost the same.
    """

    def __init__(self, *, free_rows: int) -> None:
        self._free_rows = free_rows
        self._lock = threading.Lock()
        self._sums: list[float] | None = None  # of weight, rows, rows², seconds, rows·seconds
        self._slope = _PRIOR_SLOPE

    def cost(self, rows: int) -> float:
        """Of one pass with `rows` rows; a plain one costs 1."""
        return 1.0 + self._slope * max(0, rows - self._free_rows)

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

    def observe(self, rows: int, seconds: float) -> None:
        """A pass of so many rows took so long."""
        rows = max(rows, self._free_rows)
        with self._lock:
            if self._sums is None:
                self._begin(seconds / self.cost(rows))
            assert self._sums is not None
            intercept, slope = _line(self._sums)
            expected = max(intercept + slope * rows, 1e-9)
            seconds = min(max(seconds, expected / _OUTLIER), expected * _OUTLIER)
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
