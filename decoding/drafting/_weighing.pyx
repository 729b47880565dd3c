# cython: language_level=3, wraparound=False, cdivision=True
"""`weighing`, compiled; what the steps mean is said there."""

from libc.stdint cimport int64_t
from libcpp.vector cimport vector

from quoth.decoding.drafting import weighing

cdef list WEIGHTS = weighing.WEIGHTS
cdef list ALIKE = weighing.ALIKE
cdef Py_ssize_t NEIGHBOURS = weighing.NEIGHBOURS
cdef Py_ssize_t SHORT = weighing.SHORT
cdef double NEAR = weighing.NEAR
cdef Py_ssize_t NEARNESS = weighing.NEARNESS


def weigh(list found, list tokens, Py_ssize_t cursor, sources):
    """`weighing.weigh`, compiled."""
    cdef list starts = sources.starts, ends = sources.ends
    cdef list numbers = sources.numbers, weights = sources.weights
    cdef list voters = []
    cdef Py_ssize_t place, length, at, last = len(tokens) - 1
    cdef double weight
    cdef vector[int64_t] around
    for at in range(max(0, last - NEIGHBOURS), last):
        around.push_back(tokens[at])
    for place, length in found:
        weight = WEIGHTS[length]
        if length < SHORT:
            weight *= <double>ALIKE[shared(tokens, place - 1, around) - length + 1 + SHORT]
        if 0 <= cursor <= place < cursor + NEARNESS:
            weight *= NEAR
        at = stretch(starts, place - 1)
        weight *= <double>weights[<Py_ssize_t>numbers[at]]
        voters.append((weight, length, place, tokens, place, ends[at]))
    return voters


cdef Py_ssize_t shared(list tokens, Py_ssize_t end, vector[int64_t]& around):
    """How many tokens just before `end` are among those around the last token, too."""
    cdef Py_ssize_t number = 0, at
    cdef int64_t token, other
    for at in range(max(0, end - NEIGHBOURS), end):
        token = tokens[at]
        for other in around:
            if other == token:
                number += 1
                break
    return number


cdef Py_ssize_t stretch(list starts, Py_ssize_t place):
    """The last of these starts that is not behind the place."""
    cdef Py_ssize_t low = 0, high = len(starts), middle
    while low < high:
        middle = (low + high) // 2
        if place < <Py_ssize_t>starts[middle]:
            high = middle
        else:
            low = middle + 1
    return low - 1
