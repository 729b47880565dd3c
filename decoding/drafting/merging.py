"""Proposals of several drafters as one tree: guesses that agree share a node. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from quoth.decoding.draft import ROOT, Draft, Origin

_UNKNOWN = 0.5  # chance of a guess whose drafter does not tell one


@dataclass(slots=True, kw_only=True)
class Guess:
    """A token at one place of the tree, whoever guesses it.

    `makers` are the numbers of its drafters, as bits; it is credited to `maker`, the first of them,
    or the first that knows an origin. `told` is the chance that it is right if all before it are,
    the best that a drafter says. `children` are positions in the list of guesses.
    """

    token: int
    parent: int
    depth: int
    maker: int
    makers: int = 0
    origin: Origin | None = None
    told: float = 0.0
    children: dict[int, int] = field(default_factory=dict)


class Merger:
    """The tree of all proposals of one step; parents stand before their children."""

    def __init__(self) -> None:
        self.guesses: list[Guess] = []
        self.first: dict[int, int] = {}  # token -> guess without a parent

    def add(self, maker: int, draft: Draft) -> None:
        """Merge in what the drafter of this number proposes."""
        places: list[int] = []  # node of the draft -> guess
        for node, (token, parent) in enumerate(zip(draft.tokens, draft.parents, strict=True)):
            above = ROOT if parent == ROOT else places[parent]
            siblings = self.first if above == ROOT else self.guesses[above].children
            place = siblings.get(token)
            if place is None:
                depth = 0 if above == ROOT else self.guesses[above].depth + 1
                place = siblings[token] = len(self.guesses)
                self.guesses.append(Guess(token=token, parent=above, depth=depth, maker=maker))
            guess = self.guesses[place]
            guess.makers |= 1 << maker
            guess.told = max(guess.told, _told(draft, node))
            if guess.origin is None and draft.origins[node] is not None:
                guess.origin, guess.maker = draft.origins[node], maker
            places.append(place)

    def along(self, draft: Draft) -> list[Guess]:
        """The guesses that are the nodes of a draft made of them."""
        found: list[Guess] = []
        for token, parent in zip(draft.tokens, draft.parents, strict=True):
            siblings = self.first if parent == ROOT else found[parent].children
            found.append(self.guesses[siblings[token]])
        return found

    def judged(self, token_ids: Sequence[int]) -> Iterator[tuple[Guess, bool]]:
        """All guesses that the emitted tokens tell of, and whether each was right."""
        siblings = self.first
        for token in token_ids:
            for other, place in siblings.items():
                yield self.guesses[place], other == token
            if token not in siblings:
                return
            siblings = self.guesses[siblings[token]].children


def _told(draft: Draft, node: int) -> float:
    """The chance of a node, given that its parent is right."""
    if not draft.chances:
        return _UNKNOWN
    parent = draft.parents[node]
    above = 1.0 if parent == ROOT else draft.chances[parent]
    return min(1.0, draft.chances[node] / above) if above > 0 else 0.0
