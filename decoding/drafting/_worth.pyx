# cython: language_level=3, wraparound=False, cdivision=True
"""`worth`, compiled; what the steps mean is said there."""

from libcpp.vector cimport vector


def best_part(chances, parents, Py_ssize_t free_rows, double slope, double branch):
    """`worth.best_part`, compiled."""
    cdef Py_ssize_t rows = 1, best = 0, parent
    cdef double best_rate = 1.0, tokens = 1.0, extra = 0.0, rate, chance
    cdef vector[bint] inner = vector[bint](len(parents) + 1, False)
    for chance, parent in zip(chances, parents, strict=True):
        if not -1 <= parent < rows - 1:
            raise ValueError(f"node {rows - 1} has the parent {parent}")
        rows += 1
        tokens += chance
        if inner[parent + 1]:
            extra += branch
        inner[parent + 1] = True
        rate = tokens / (1.0 + extra + slope * max(0, rows - free_rows))
        if rate >= best_rate:
            best, best_rate = rows - 1, rate
    return best, best_rate
