# cython: language_level=3, wraparound=False, cdivision=True
"""`votes`, compiled; what the steps mean is said there."""

from libc.math cimport exp, rint
from libc.stdint cimport int64_t
from libcpp.vector cimport vector

from quoth.decoding.drafting import survival, votes

cdef double HARDLY = votes.HARDLY
cdef double PRIOR_WEIGHT = survival.PRIOR_WEIGHT
cdef double SUREST = survival.SUREST
cdef Py_ssize_t LONGEST = survival.LONGEST
cdef Py_ssize_t STEPS = survival.STEPS
cdef Py_ssize_t MOST_AGREEING = survival.MOST_AGREEING
cdef Py_ssize_t DEEPEST = survival.DEEPEST
cdef list MATCHES = survival.MATCHES
cdef list SHARES = survival.SHARES
cdef list AGREEING = survival.AGREEING
cdef list LENGTH_GROUPS = survival.LENGTH_GROUPS
cdef list SHARE_GROUPS = survival.SHARE_GROUPS
cdef list DEPTH_GROUPS = survival.DEPTH_GROUPS
cdef Py_ssize_t ALIKE_GROUPS = survival.ALIKE_GROUPS
cdef double ALIKE_SHARE = survival.ALIKE
cdef Py_ssize_t COMMON_GROUP = survival.COMMON_GROUP
cdef double COMMON_SHARE = survival.COMMON
cdef double MOST_COMMON = survival.MOST_COMMON
cdef tuple RESUMED = survival.RESUMED
cdef int RESUMED_KIND = survival.Kind.RESUMED
cdef int EXACT = survival.Kind.EXACT
cdef int ALIKE_KIND = survival.Kind.ALIKE
cdef int COMMON = survival.Kind.COMMON


cdef struct Guess:
    double prior
    Py_ssize_t group
    int kind


cdef struct Vote:
    double weight
    Py_ssize_t length
    Py_ssize_t place
    Py_ssize_t start
    Py_ssize_t end


cdef struct Child:  # a token, and the votes for it: `number` of `said_by` from `first` on
    int64_t token
    size_t first
    Py_ssize_t number
    Py_ssize_t length
    double weight


cdef struct Candidate:
    double chance
    Py_ssize_t order
    int64_t token
    Py_ssize_t parent
    Py_ssize_t depth
    size_t first
    Py_ssize_t number  # of votes; 0: it stands for the next fallback
    Guess guess


cdef Guess known(Py_ssize_t length, double share, Py_ssize_t agreeing, Py_ssize_t depth, int kind):
    """`survival.known`, compiled."""
    cdef Py_ssize_t step = <Py_ssize_t>rint(share * STEPS)
    cdef Guess guess
    guess.kind = kind
    if kind == COMMON:
        guess.prior, guess.group = min(COMMON_SHARE * step / STEPS, MOST_COMMON), COMMON_GROUP
        return guess
    if kind == RESUMED_KIND:
        length = min(length, len(RESUMED))
        guess.prior, guess.group = <double>RESUMED[length - 1], COMMON_GROUP + length
        return guess
    length, agreeing, depth = min(length, LONGEST), min(agreeing, MOST_AGREEING), min(depth, DEEPEST)
    cdef double score = <double>(<list>MATCHES[length])[depth]
    score = score + <double>SHARES[step] + <double>AGREEING[agreeing]
    guess.prior = 1 / (1 + exp(-score))
    guess.group = <Py_ssize_t>LENGTH_GROUPS[length]
    guess.group += <Py_ssize_t>SHARE_GROUPS[step] + <Py_ssize_t>DEPTH_GROUPS[depth]
    if kind == ALIKE_KIND:
        guess.prior, guess.group = ALIKE_SHARE * guess.prior, ALIKE_GROUPS + guess.group
    return guess


def grow(list voters, survival, bounds, fallbacks=()):
    """`votes.grow`, compiled."""
    cdef Growth growth = Growth(survival, bounds, fallbacks)
    growth.begin(EXACT, voters)
    return growth.run()


cdef class Growth:
    """One draft while it grows."""

    cdef vector[Vote] votes
    cdef list follows  # of each vote
    cdef vector[size_t] said_by
    cdef vector[Child] children
    cdef vector[Candidate] waiting
    cdef vector[int64_t] told
    cdef list nodes, fallbacks, expected, right
    cdef double promised, left, threshold
    cdef Py_ssize_t order, most, free
    cdef bint forks

    def __init__(self, survival, bounds, fallbacks):
        self.expected, self.right = survival.expected, survival.right
        self.most, self.threshold = bounds.nodes, bounds.threshold
        self.free, self.forks = bounds.free, bounds.forks
        self.fallbacks = [*reversed(fallbacks)]
        self.follows, self.nodes = [], []
        self.promised = self.left = 1.0
        self.order = 0

    cdef list run(self):
        cdef size_t at
        cdef Candidate best
        while not self.waiting.empty():
            at = self.best()
            best = self.waiting[at]
            if not self.admits(best.chance):
                break
            self.waiting[at] = self.waiting.back()
            self.waiting.pop_back()
            if best.number == 0:
                _, ask = self.fallbacks.pop()
                self.begin(best.guess.kind, ask())
                continue
            if not self.forks:
                self.waiting.clear()
            if best.number == 1:
                self.copy(best)
            else:
                self.fork(best)
        return self.nodes

    cdef size_t best(self):
        """The likeliest that waits, of equal ones the oldest."""
        cdef size_t at, best = 0
        for at in range(1, self.waiting.size()):
            if self.waiting[at].chance > self.waiting[best].chance or (
                self.waiting[at].chance == self.waiting[best].chance
                and self.waiting[at].order < self.waiting[best].order
            ):
                best = at
        return best

    cdef bint admits(self, double chance):
        cdef Py_ssize_t number = len(self.nodes)
        if number >= self.most:
            return False
        return number < self.free or chance >= self.threshold * self.promised

    cdef begin(self, int kind, list voters):
        """What may come first, as voters of one kind have it."""
        cdef double alive = self.left, chance, share
        cdef size_t first = self.said_by.size(), at
        cdef Vote vote
        for vote.weight, vote.length, vote.place, follows, vote.start, vote.end in voters:
            self.said_by.push_back(self.votes.size())
            self.votes.push_back(vote)
            self.follows.append(follows)
        cdef double whole = self.split(first, len(voters), 0)
        cdef Child child
        cdef Guess guess
        for child in self.children:
            if self.was_told(child.token):
                continue
            self.told.push_back(child.token)
            share = child.weight if kind == COMMON else child.weight / whole
            guess = known(max(child.length, 1), share, child.number, 0, kind)
            chance = alive * self.probability(guess)
            self.left -= chance
            self.wait(chance, child, -1, 0, guess)
        if self.left >= HARDLY and self.fallbacks:
            child.first, child.number, child.token = 0, 0, -1
            (guess.prior, guess.group, guess.kind), _ = self.fallbacks[len(self.fallbacks) - 1]
            self.wait(self.left * self.probability(guess), child, -1, 0, guess)

    cdef bint was_told(self, int64_t token):
        cdef int64_t other
        for other in self.told:
            if other == token:
                return True
        return False

    cdef wait(self, double chance, Child child, Py_ssize_t parent, Py_ssize_t depth, Guess guess):
        cdef Candidate candidate
        candidate.chance, candidate.order, candidate.token = chance, self.order, child.token
        candidate.parent, candidate.depth, candidate.guess = parent, depth, guess
        candidate.first, candidate.number = child.first, child.number
        self.order += 1
        self.waiting.push_back(candidate)

    cdef double probability(self, Guess guess):
        cdef double expected = self.expected[guess.group], counted, chance
        if expected == 0.0:
            return guess.prior
        counted = PRIOR_WEIGHT * guess.prior
        chance = guess.prior * (<double>self.right[guess.group] + counted) / (expected + counted)
        return chance if chance < SUREST else SUREST

    cdef int64_t token(self, size_t vote, Py_ssize_t depth):
        """What a voter says at this depth; negative: nothing."""
        follows = self.follows[vote]
        cdef Py_ssize_t at = self.votes[vote].start + depth
        if at >= self.votes[vote].end or at >= len(follows):
            return -1
        return (<list>follows)[at] if type(follows) is list else follows[at]

    cdef double split(self, size_t first, Py_ssize_t number, Py_ssize_t depth):
        """What the votes say at this depth, into `children`; the weight of them all."""
        cdef double total = 0.0
        cdef vector[int64_t] tokens
        cdef size_t at, other
        cdef Child child
        self.children.clear()
        for at in range(first, first + number):
            total += self.votes[self.said_by[at]].weight
            tokens.push_back(self.token(self.said_by[at], depth))
        for at in range(number):
            if tokens[at] < 0:
                continue
            child.token, child.first, child.number = tokens[at], self.said_by.size(), 0
            child.length, child.weight = 0, 0.0
            for other in range(at, <size_t>number):
                if tokens[other] == child.token:
                    tokens[other] = -1
                    self.count(child, self.said_by[first + other])
            child.length += depth
            self.children.push_back(child)
        return total

    cdef count(self, Child& child, size_t vote):
        self.said_by.push_back(vote)
        child.number += 1
        child.weight += self.votes[vote].weight
        child.length = max(child.length, self.votes[vote].length)

    cdef Py_ssize_t add(self, Candidate& node, size_t vote):
        """Another node, which lies where this voter has it; its number."""
        cdef Py_ssize_t place = self.votes[vote].place
        place = place + node.depth if place >= 0 else -1
        guess = (node.guess.prior, node.guess.group, node.guess.kind)
        self.nodes.append((node.token, node.parent, place, guess, node.chance))
        self.promised += node.chance
        return len(self.nodes) - 1

    cdef copy(self, Candidate node):
        cdef size_t vote = self.said_by[node.first]
        while True:
            node.parent = self.add(node, vote)
            node.depth += 1
            node.token = self.token(vote, node.depth)
            if node.token < 0:
                return
            node.guess = known(self.votes[vote].length + node.depth, 1.0, 1, node.depth, EXACT)
            node.chance *= self.probability(node.guess)
            if not self.admits(node.chance) or (
                not self.waiting.empty() and self.waiting[self.best()].chance >= node.chance
            ):
                node.order = self.order
                self.order += 1
                self.waiting.push_back(node)
                return

    cdef fork(self, Candidate node):
        cdef size_t heaviest = self.said_by[node.first], at
        for at in range(node.first, node.first + node.number):
            if self.votes[self.said_by[at]].weight > self.votes[heaviest].weight:
                heaviest = self.said_by[at]
        cdef Py_ssize_t number = self.add(node, heaviest), depth = node.depth + 1
        cdef double whole = self.split(node.first, node.number, depth)
        cdef Child child
        cdef Guess guess
        for child in self.children:
            guess = known(max(child.length, 1), child.weight / whole, child.number, depth, EXACT)
            self.wait(node.chance * self.probability(guess), child, number, depth, guess)
