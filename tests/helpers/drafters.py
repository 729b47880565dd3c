"""Drafters good and bad, to be set upon the loop."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from quoth.decoding.draft import NO_DRAFT, Draft, Origin
from quoth.decoding.drafting.protocol import Drafter, Outcome, ReferenceTokens

Propose = Callable[[Sequence[int], int], object]  # (true continuation, budget) -> a draft, or worse


@dataclass
class Prophet:
    """Knows the true answer and makes of it what `propose` says; also its own session."""

    name: str
    truth: Sequence[int]
    make: Propose
    said: int = 0
    raises_in: str = ""
    seen: list[Outcome] = field(default_factory=list)

    def start(self, prompt: Sequence[int], references: Sequence[ReferenceTokens]) -> "Prophet":
        self._trip("start")
        return Prophet(self.name, self.truth, self.make, raises_in=self.raises_in)

    def propose(self, budget: int) -> Draft:
        self._trip("propose")
        return self.make(self.truth[self.said :], budget)  # type: ignore[return-value] # on purpose

    def observe(self, outcome: Outcome) -> None:
        self._trip("observe")
        self.seen.append(outcome)
        self.said += len(outcome.token_ids)

    def _trip(self, where: str) -> None:
        if self.raises_in == where:
            raise RuntimeError(f"a drafter that raises in {where}")


def good_makers(seed: int, vocabulary: int, eos: int) -> dict[str, Propose]:
    """Ways to make valid drafts, right or wrong."""
    chance = random.Random(seed)

    def oracle(truth: Sequence[int], budget: int) -> Draft:
        return Draft.chain(truth[:budget])

    def liar(truth: Sequence[int], budget: int) -> Draft:
        return Draft.chain([(token + 1) % vocabulary for token in truth[:budget]])

    def half_right(truth: Sequence[int], budget: int) -> Draft:
        right = chance.randrange(budget + 1)
        wrong = [chance.randrange(vocabulary) for _ in range(budget - right)]
        return Draft.chain([*truth[:right], *wrong][:budget])

    def noise(truth: Sequence[int], budget: int) -> Draft:
        return Draft.chain([chance.randrange(vocabulary) for _ in range(chance.randint(0, budget))])

    def eos_inside(truth: Sequence[int], budget: int) -> Draft:
        return Draft.chain([*truth[: budget // 2], eos, *truth[budget // 2 :]][:budget])

    def false_origins(truth: Sequence[int], budget: int) -> Draft:
        places = [("nobody", 0), ("r", -1), ("r", 10**6), ("r", 0)]
        origins = [
            Origin(source="reference", reference_id=name, position=position)
            for name, position in (chance.choice(places) for _ in truth[:budget])
        ]
        return Draft.chain(truth[:budget], origins)

    makers = (oracle, liar, half_right, noise, eos_inside, false_origins)
    forked = _forking_makers(chance, vocabulary)
    return {maker.__name__: maker for maker in makers} | forked


def _forking_makers(chance: random.Random, vocabulary: int) -> dict[str, Propose]:
    def tree(truth: Sequence[int], budget: int) -> Draft:
        """The truth with lies around it, siblings in any order."""
        tokens, parents, right = [], [], -1
        for token in truth:
            for wrong in chance.sample(range(vocabulary), chance.randint(0, 2)):
                tokens.append(wrong)
                parents.append(chance.choice([right, len(tokens) - 2]))
            tokens.append(token)
            parents.append(right)
            right = len(tokens) - 1
        cut = tokens[:budget]
        return Draft(tokens=tuple(cut), parents=tuple(parents[:budget]), origins=(None,) * len(cut))

    def bush(truth: Sequence[int], budget: int) -> Draft:
        """Many children of the root, the true one among them or not, some twice."""
        tokens = [chance.choice([*truth[:2], *range(vocabulary)]) for _ in range(budget)]
        return Draft(tokens=tuple(tokens), parents=(-1,) * budget, origins=(None,) * budget)

    return {"tree": tree, "bush": bush}


class _Impostor(Draft):
    """Skips the checks of a draft."""

    def __post_init__(self) -> None:
        pass


BAD_MAKERS: dict[str, Propose] = {
    "over_long": lambda truth, budget: Draft.chain([*truth, *[0] * (budget + 1)]),
    "negative_id": lambda _truth, _budget: Draft.chain([-1]),
    "id_outside_the_vocabulary": lambda truth, budget: Draft.chain([*truth[: budget - 1], 10**12]),
    "float_id": lambda _truth, _budget: Draft.chain([1.5]),  # type: ignore[list-item] # on purpose
    "nothing": lambda _truth, _budget: None,
    "list": lambda truth, budget: list(truth[:budget]),
    "late_parent": lambda _truth, _budget: _Impostor(
        tokens=(1, 2), parents=(-1, 1), origins=(None, None)
    ),
    "fractional_parent": lambda _truth, _budget: Draft(
        tokens=(1,),
        parents=(-1.0,),  # type: ignore[arg-type] # on purpose
        origins=(None,),
    ),
    "tokens_in_a_list": lambda _truth, _budget: Draft(
        tokens=[1],  # type: ignore[arg-type] # on purpose
        parents=(-1,),
        origins=(None,),
    ),
    "malformed_parents": lambda _truth, _budget: _Impostor(tokens=(1,), parents=(5,), origins=()),
}


def _with(origin: object) -> Propose:
    """A maker of true tokens that each have this origin."""
    return lambda truth, budget: Draft.chain(truth[:budget], [origin] * len(truth[:budget]))  # type: ignore[list-item] # on purpose


class _Derived(Origin):
    """Looks like an origin and may do anything."""


BAD_ORIGINS: dict[str, object] = {
    "string_origin": "x",
    "derived_origin": _Derived(source="reference", position=0, reference_id="r"),
}
BAD_MAKERS |= {name: _with(origin) for name, origin in BAD_ORIGINS.items()}


@dataclass
class Nameless:
    """Raises when it is asked for its name."""

    @property
    def name(self) -> str:
        raise RuntimeError("a drafter that does not say its name")

    def start(self, prompt: Sequence[int], references: Sequence[ReferenceTokens]) -> Prophet:
        return Prophet("", (), lambda _truth, _budget: NO_DRAFT)


def bad_drafters(truth: Sequence[int]) -> list[Drafter]:
    """Drafters whose every draft is a failure."""
    return [
        *(Prophet(name, truth, make) for name, make in BAD_MAKERS.items()),
        *(raising(where, truth) for where in ("start", "propose", "observe")),
        Nameless(),
    ]


def raising(where: str, truth: Sequence[int] = ()) -> Prophet:
    """A drafter that raises in one of its methods."""
    return Prophet(f"raising in {where}", truth, lambda _truth, _budget: NO_DRAFT, raises_in=where)
