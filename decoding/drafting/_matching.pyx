# cython: language_level=3, wraparound=False, cdivision=True
"""`matching`, compiled; what the steps mean is said there."""

from libc.stdint cimport int64_t
from libcpp.algorithm cimport sort
from libcpp.vector cimport vector

from quoth.decoding.drafting import matching

cdef Py_ssize_t CONTEXT = matching.CONTEXT
cdef int DIGIT = matching.DIGIT
cdef int64_t MASK = (1 << matching.DIGIT) - 1


cdef inline int64_t digit(int64_t token):
    return ((token if token > -1 else -1) + 1) & MASK


cdef class Places:
    """`matching.Places`, compiled."""

    cdef const int64_t[::1] keys
    cdef const int64_t[::1] order
    cdef const int64_t[::1] by_token

    def __init__(self, places):
        self.keys, self.order, self.by_token = places

    def find(self, list tokens, added, Py_ssize_t limit):
        """`matching.Places.find`, compiled."""
        cdef Py_ssize_t end = len(tokens) - 1
        cdef int64_t last = tokens[end]
        cdef vector[int64_t] candidates
        cdef vector[int64_t] matches  # minus: length, then place, in one number
        cdef int64_t place, length, previous = 1
        cdef list found = []
        recent = added.get(last)
        if recent is not None:
            for place in recent[max(0, len(recent) - limit - 1):]:
                candidates.push_back(place)
        self.gather(candidates, tokens, end, limit + 1)
        for place in candidates:
            if place == end or <int64_t>tokens[place] != last:
                continue
            length = 1
            while length < CONTEXT and (
                <int64_t>tokens[place - length] == <int64_t>tokens[end - length]
            ):
                length += 1
            matches.push_back(-((length << 48) | (place + 1)))
        sort(matches.begin(), matches.end())
        for place in matches:
            if place != previous and len(found) < limit:
                found.append((-place & ((<int64_t>1 << 48) - 1), -place >> 48))
            previous = place
        return found

    cdef gather(self, vector[int64_t]& into, list tokens, Py_ssize_t end, Py_ssize_t limit):
        """The latest places of the last three tokens, and of fewer where they are rare."""
        cdef int64_t one = digit(tokens[end])
        cdef int64_t two = digit(tokens[max(0, end - 1)])
        cdef int64_t three = digit(tokens[max(0, end - 2)])
        cdef int64_t pair = one << DIGIT | two
        cdef Py_ssize_t size = self.keys.shape[0]
        cdef Py_ssize_t one_from = first(self.keys, one << 2 * DIGIT, 0, size)
        cdef Py_ssize_t one_to = first(self.keys, (one + 1) << 2 * DIGIT, one_from, size)
        if one_to - one_from <= limit:
            return take(into, self.order, one_from, one_to)
        cdef Py_ssize_t two_from = first(self.keys, pair << DIGIT, one_from, one_to)
        cdef Py_ssize_t two_to = first(self.keys, (pair + 1) << DIGIT, two_from, one_to)
        cdef Py_ssize_t three_from = first(self.keys, pair << DIGIT | three, two_from, two_to)
        cdef Py_ssize_t three_to = first(self.keys, (pair << DIGIT | three) + 1, three_from, two_to)
        take(into, self.order, max(three_from, three_to - limit), three_to)
        if three_to - three_from < limit:
            take_latest(into, self.order, two_from, two_to, limit)
        if two_to - two_from < limit:
            take(into, self.by_token, max(one_from, one_to - limit), one_to)


cdef class Alike:
    """`matching.Alike`, compiled."""

    cdef const int64_t[::1] spellings
    cdef const int64_t[::1] classes
    cdef const int64_t[::1] places

    def __init__(self, places, spellings):
        self.spellings = spellings
        self.classes, self.places = places

    def find(self, list tokens, Py_ssize_t limit):
        """`matching.Alike.find`, compiled."""
        cdef int64_t last = tokens[len(tokens) - 1], spelling
        cdef Py_ssize_t low, high, at
        if not 0 <= last < self.spellings.shape[0]:
            return []
        spelling = self.spellings[last]
        low = first(self.classes, spelling, 0, self.classes.shape[0])
        high = first(self.classes, spelling + 1, low, self.classes.shape[0])
        cdef list alike = []
        for at in range(max(low, high - 4 * limit), high):
            if <int64_t>tokens[self.places[at]] != last:
                alike.append(self.places[at] + 1)
        return alike[max(0, len(alike) - limit):]


cdef Py_ssize_t first(
    const int64_t[::1] numbers, int64_t least, Py_ssize_t low, Py_ssize_t high
):
    """The first place among these sorted numbers where one is not less."""
    cdef Py_ssize_t middle
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low


cdef take(vector[int64_t]& into, const int64_t[::1] places, Py_ssize_t start, Py_ssize_t stop):
    cdef Py_ssize_t at
    for at in range(start, stop):
        into.push_back(places[at])


cdef take_latest(
    vector[int64_t]& into,
    const int64_t[::1] places,
    Py_ssize_t start,
    Py_ssize_t stop,
    Py_ssize_t number,
):
    """The greatest of these places."""
    if stop - start <= number:
        return take(into, places, start, stop)
    cdef size_t base = into.size(), least = base, at
    cdef Py_ssize_t other
    take(into, places, start, start + number)
    least = least_of(into, base)
    for other in range(start + number, stop):
        if places[other] > into[least]:
            into[least] = places[other]
            least = least_of(into, base)


cdef size_t least_of(vector[int64_t]& numbers, size_t start):
    """Where the least of them stands."""
    cdef size_t at, least = start
    for at in range(start + 1, numbers.size()):
        if numbers[at] < numbers[least]:
            least = at
    return least
