"""How much of a draft is worth its pass.

This runs at every step of every answer; `_worth.pyx` has the same compiled.
"""

from collections.abc import Sequence


def best_part(
    chances: Sequence[float], parents: Sequence[int], free_rows: int, slope: float, branch: float
) -> tuple[int, float]:
    """How many nodes of a draft make the most tokens for the cost, and how many per cost.

    Args:
        chances: Of each node with all above it, falling.
        parents: Of each node; they stand before it.
        free_rows: So many rows cost what one does.
        slope: What each further row costs.
        branch: What each branch but the first costs.

    Raises:
        ValueError: A parent does not stand before its child.
    """
    best, best_rate, tokens, extra = 0, 1.0, 1.0, 0.0
    inner = set[int]()
    for rows, (chance, parent) in enumerate(zip(chances, parents, strict=True), start=2):
        if not -1 <= parent < rows - 2:
            raise ValueError(f"node {rows - 2} has the parent {parent}")
        tokens += chance
        if parent in inner:  # another branch
            extra += branch
        inner.add(parent)
        rate = tokens / (1.0 + extra + slope * max(0, rows - free_rows))
        if rate >= best_rate:
            best, best_rate = rows - 1, rate
    return best, best_rate
