"""How likely the model is to say a drafted token, given that it said those before it.

The first guess is a logistic formula; its numbers were fitted to recorded answers of language
models with their contexts (`docs/log.md`). What happens then corrects it: guesses are put into
groups, and each group learns how often it was right compared with what the formula said, with slow
forgetting, since a model that copied a moment ago is copying. A wrong number costs time and never a
token.
"""

import math
from functools import cache
from typing import Final, NamedTuple

_BIAS = -1.769
_SHARE, _LOG_SHARE, _ALONE = 0.282, 0.378, -0.022
_LENGTH, _DEPTH, _BOTH, _AGREEING = 0.455, 0.597, -0.098, 0.447

_COMMON = 0.8
_ALIKE = 0.7  # of the formula's probability
_RESUMED = (0.11, 0.05, 0.03)  # after one, two, three other words
_MOST_COMMON = 0.1
_ALIKE_GROUPS, _COMMON_GROUP = 1_000, 2_000

_PRIOR_WEIGHT = 5.0  # guesses that the formula counts for
_MEMORY = 0.98  # of a group, at each of its guesses
_STEPS = 256  # of the share
_LONGEST, _MOST_AGREEING, _DEEPEST = 16, 8, 16
_SUREST = 0.99
_LENGTHS, _SHARES, _DEPTHS = (2, 3, 5, 9), (0.15, 0.4, 0.8), (1, 4)  # borders of groups


class Kind:
    """What a guess rests on; plain numbers, because they are hashed for every drafted token."""

    EXACT: Final = 0  # the end of the text stands there
    ALIKE: Final = 1  # its last token does, in another spelling
    RESUMED: Final = 2  # a copy went on there until the model said other words
    COMMON: Final = 3  # only that the text says the token often


class Guess(NamedTuple):
    """What is known of a drafted token before the model has spoken; see `known`."""

    length: int
    share: int
    agreeing: int
    depth: int
    kind: int

    @classmethod
    def known(
        cls, length: int, share: float, agreeing: int, depth: int, kind: int = Kind.EXACT
    ) -> "Guess":
        """A guess, told apart as finely as it matters.

        `length` tokens before it were equal (the draft's own counted), `share` of the votes are for
        it, in `agreeing` places; `depth` drafted tokens stand before it. For a common token,
        `share` is how much of the text it makes up.
        """
        return cls(
            length if length < _LONGEST else _LONGEST,
            round(share * _STEPS),
            agreeing if agreeing < _MOST_AGREEING else _MOST_AGREEING,
            depth if depth < _DEEPEST else _DEEPEST,
            kind,
        )


class Survival:
    """Probabilities of guesses, learned while they are checked."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, float]] = {}  # group -> expected, right

    def probability(self, guess: Guess) -> float:
        """Between 0 and 1."""
        prior, group = _judged(guess)
        known = self._known.get(group)
        if known is None:
            return prior
        expected, right = known
        counted = _PRIOR_WEIGHT * prior
        chance = prior * (right + counted) / (expected + counted)
        return chance if chance < _SUREST else _SUREST

    def learn(self, guess: Guess, *, was_right: bool) -> None:
        """The model has spoken where the guess stood."""
        prior, group = _judged(guess)
        expected, right = self._known.get(group, (0.0, 0.0))
        self._known[group] = expected * _MEMORY + prior, right * _MEMORY + was_right


def prior(guess: Guess) -> float:
    """What the formula says of a guess, before anything was learned."""
    return _judged(guess)[0]


@cache
def _judged(guess: Guess) -> tuple[float, int]:
    """The formula's probability, and the group."""
    length, share_steps, agreeing, depth, kind = guess
    if kind == Kind.COMMON:
        return min(_COMMON * share_steps / _STEPS, _MOST_COMMON), _COMMON_GROUP
    if kind == Kind.RESUMED:
        return _RESUMED[min(length, len(_RESUMED)) - 1], _COMMON_GROUP + length
    share = min(max(share_steps / _STEPS, 0.01), 0.995)
    log_length, log_depth = math.log2(length), math.log2(1 + depth)
    score = (
        _BIAS
        + _SHARE * math.log(share / (1 - share))
        + _LOG_SHARE * math.log(share)
        + _ALONE * (share_steps == _STEPS)
        + _LENGTH * log_length
        + _DEPTH * log_depth
        + _BOTH * log_length * log_depth
        + _AGREEING * math.log2(agreeing)
    )
    lengths = sum(length >= border for border in _LENGTHS)
    shares = sum(share >= border for border in _SHARES)
    depths = sum(depth >= border for border in _DEPTHS)
    probability, group = 1 / (1 + math.exp(-score)), (lengths * 4 + shares) * 4 + depths
    if kind == Kind.ALIKE:
        return _ALIKE * probability, _ALIKE_GROUPS + group
    return probability, group
