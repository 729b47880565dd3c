"""How likely the model is to say a drafted token, given that it said those before it.

The first guess is a logistic formula; its numbers were fitted to recorded answers of language
models with their contexts (`docs/log.md`). What happens then corrects it: guesses are put into
groups, and each group learns how often it was right compared with what the formula said, with slow
forgetting, since a model that copied a moment ago is copying. A wrong number costs time and never a
token.
"""

import math
from functools import lru_cache
from typing import Final

_BIAS = -1.769
_SHARE, _LOG_SHARE, _ALONE = 0.282, 0.378, -0.022
_LENGTH, _DEPTH, _BOTH, _AGREEING = 0.455, 0.597, -0.098, 0.447

COMMON, MOST_COMMON = 0.8, 0.1
"""Of a common token: of its share of the text, and never more than."""

ALIKE = 0.7
"""Of the formula's probability, where only the spelling is another."""

RESUMED = (0.11, 0.05, 0.03)
"""After one, two, three other words."""

LONGEST, STEPS, MOST_AGREEING, DEEPEST = 16, 256, 8, 16
"""Lengths, shares, voters and depths are told apart up to these numbers."""

PRIOR_WEIGHT, SUREST = 5.0, 0.99
"""The formula counts for so many guesses; nothing is surer."""

_MEMORY = 0.98  # of a group, at each of its guesses
_LENGTHS, _SHARES, _DEPTHS = (2, 3, 5, 9), (0.15, 0.4, 0.8), (1, 4)  # borders of groups

Guess = tuple[float, int, int]
"""What is known of a drafted token before the model has spoken: (prior, group, kind).

`prior` is the formula's probability; guesses of one `group` are learned together.
"""


class Kind:
    """What a guess rests on; plain numbers, because they are compared for every drafted token."""

    EXACT: Final = 0  # the end of the text stands there
    ALIKE: Final = 1  # its last token does, in another spelling
    RESUMED: Final = 2  # a copy went on there until the model said other words
    COMMON: Final = 3  # only that the text says the token often


def _of_share(step: int) -> float:
    share = min(max(step / STEPS, 0.01), 0.995)
    alone = _ALONE * (step == STEPS)
    return _SHARE * math.log(share / (1 - share)) + _LOG_SHARE * math.log(share) + alone


def _of_match(length: int, depth: int) -> float:
    log_length, log_depth = math.log2(max(length, 1)), math.log2(1 + depth)
    return _BIAS + _LENGTH * log_length + _DEPTH * log_depth + _BOTH * log_length * log_depth


def _group(value: float, borders: tuple[float, ...]) -> int:
    return sum(value >= border for border in borders)


MATCHES = [
    [_of_match(length, depth) for depth in range(DEEPEST + 1)] for length in range(LONGEST + 1)
]
"""What the match adds to the score, by length and depth."""

SHARES = [_of_share(step) for step in range(STEPS + 1)]
"""What the share of the votes adds, in steps."""

AGREEING = [_AGREEING * math.log2(max(number, 1)) for number in range(MOST_AGREEING + 1)]
"""What the number of voters adds."""

LENGTH_GROUPS = [16 * _group(length, _LENGTHS) for length in range(LONGEST + 1)]
SHARE_GROUPS = [
    4 * _group(min(max(step / STEPS, 0.01), 0.995), _SHARES) for step in range(STEPS + 1)
]
DEPTH_GROUPS = [_group(depth, _DEPTHS) for depth in range(DEEPEST + 1)]
"""Parts of the number of a group."""

ALIKE_GROUPS = 1 + LENGTH_GROUPS[-1] + SHARE_GROUPS[-1] + DEPTH_GROUPS[-1]
COMMON_GROUP = 2 * ALIKE_GROUPS
"""Groups of `ALIKE` guesses begin here; those of others are this one, and the next by length."""

_GROUPS = COMMON_GROUP + 1 + len(RESUMED)


class Survival:
    """Probabilities of guesses, learned while they are checked.

    Attributes:
        expected: By group, how many guesses the formula expected to be right.
        right: By group, how many were.
    """

    def __init__(self) -> None:
        self.expected = [0.0] * _GROUPS
        self.right = [0.0] * _GROUPS

    def probability(self, guess: Guess) -> float:
        """Between 0 and 1."""
        prior, group, _ = guess
        expected = self.expected[group]
        if expected == 0.0:
            return prior
        counted = PRIOR_WEIGHT * prior
        chance = prior * (self.right[group] + counted) / (expected + counted)
        return chance if chance < SUREST else SUREST

    def learn(self, guess: Guess, *, was_right: bool) -> None:
        """The model has spoken where the guess stood."""
        prior, group, _ = guess
        self.expected[group] = self.expected[group] * _MEMORY + prior
        self.right[group] = self.right[group] * _MEMORY + was_right


def known(length: int, share: float, agreeing: int, depth: int, kind: int = Kind.EXACT) -> Guess:
    """A guess, told apart as finely as it matters.

    `length` tokens before it were equal (the draft's own counted), `share` of the votes are for it,
    in `agreeing` places; `depth` drafted tokens stand before it. For a common token, `share` is how
    much of the text it makes up.
    """
    return _judged(
        length if length < LONGEST else LONGEST,
        round(share * STEPS),
        agreeing if agreeing < MOST_AGREEING else MOST_AGREEING,
        depth if depth < DEEPEST else DEEPEST,
        kind,
    )


def sole(length: int, depth: int) -> Guess:
    """A guess that one place alone makes, and none contradicts: most of a draft is a copy."""
    return _SOLE[length if length < LONGEST else LONGEST][depth if depth < DEEPEST else DEEPEST]


@lru_cache(maxsize=1 << 14)
def _judged(length: int, step: int, agreeing: int, depth: int, kind: int) -> Guess:
    if kind == Kind.COMMON:
        return min(COMMON * step / STEPS, MOST_COMMON), COMMON_GROUP, kind
    if kind == Kind.RESUMED:
        length = min(length, len(RESUMED))
        return RESUMED[length - 1], COMMON_GROUP + length, kind
    prior = 1 / (1 + math.exp(-(MATCHES[length][depth] + SHARES[step] + AGREEING[agreeing])))
    group = LENGTH_GROUPS[length] + SHARE_GROUPS[step] + DEPTH_GROUPS[depth]
    if kind == Kind.ALIKE:
        return ALIKE * prior, ALIKE_GROUPS + group, kind
    return prior, group, kind


_SOLE = [
    [known(length, 1.0, 1, depth) for depth in range(DEEPEST + 1)] for length in range(LONGEST + 1)
]
