"""The compiled drafting gives what the Python one gives, to the bit."""

import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding.draft import Draft
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.matching import Alike, Places, SortedClasses, SortedPlaces
from quoth.decoding.drafting.survival import Kind, Survival, known
from quoth.decoding.drafting.votes import Bounds, Fallback, Node, Voter, grow
from quoth.decoding.drafting.weighing import SourceWeights, weigh
from quoth.decoding.drafting.worth import best_part


def compiled(name: str):
    """A module that need not be there."""
    return pytest.importorskip(
        f"quoth.decoding.drafting.{name}", reason="not compiled: there was no C++ compiler"
    )


matching, votes = compiled("_matching"), compiled("_votes")
weighing, worth = compiled("_weighing"), compiled("_worth")

# Ids that are equal in their last 20 bits share keys.
tokens = st.one_of(
    st.integers(0, 4), st.sampled_from([1, 1 + (1 << 20), 1 + (2 << 20)]), st.integers(0, 10**7)
)
lists = st.lists(tokens, min_size=1, max_size=60)


@dataclass
class Grown:
    """A list that has grown behind what was sorted of it."""

    tokens: list[int]
    added: dict[int, list[int]]


def grown(first: list[int], more: list[int]) -> Grown:
    added = defaultdict(list)
    for place, token in enumerate(more, start=len(first)):
        added[token].append(place)
    return Grown([*first, *more], added)


@given(lists, lists, st.integers(0, 20))
def test_the_same_occurrences_are_found(first, more, limit):
    first = [4, *first]  # 4 and the like stand for separators, of which each is another
    first = [-1 - place if token % 5 == 4 else token for place, token in enumerate(first)]
    for text in (grown(first, []), grown(first, more)):
        places = SortedPlaces.of(np.asarray(first, dtype=np.int64))
        expected = Places(places).find(text.tokens, text.added, limit)
        assert matching.Places(places).find(text.tokens, text.added, limit) == expected


@given(lists, st.lists(st.integers(0, 3), max_size=6), st.integers(1, 9))
def test_the_same_spellings_are_found(text, spellings, limit):
    text = [-1, *text]
    array, classes = np.asarray(text, dtype=np.int64), np.asarray(spellings, dtype=np.int64)
    places = SortedClasses.of(array, classes)
    expected = Alike(places, classes).find(text, limit)
    assert matching.Alike(places, classes).find(text, limit) == expected


weights = st.floats(0.01, 100.0)
sources = st.builds(
    lambda starts, own: SourceWeights(
        sorted({0, *starts}),
        [place + 7 for place in sorted({0, *starts})],
        [place % len(own) for place in range(len({0, *starts}))],
        own,
    ),
    st.lists(st.integers(0, 60), max_size=5),
    st.lists(weights, min_size=1, max_size=3),
)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(-1, 60), sources)
def test_the_same_weights_are_given(text, cursor, whence):
    text = [-1, *text]
    found = Places(SortedPlaces.of(np.asarray(text, dtype=np.int64))).find(text, {}, 30)
    assert weighing.weigh(found, text, cursor, whence) == weigh(found, text, cursor, whence)


follows = st.lists(st.integers(-1, 3), max_size=8)
voters = st.lists(
    st.builds(
        lambda weight, length, place, follows, start, end, whole: (
            weight,
            length,
            place,
            tuple(follows) if whole else follows,
            start,
            end,
        ),
        weights,
        st.integers(0, 20),
        st.integers(-1, 50),
        follows,
        st.integers(0, 3),
        st.integers(0, 12),
        st.booleans(),
    ),
    max_size=7,
)
kinds = st.sampled_from([Kind.ALIKE, Kind.RESUMED, Kind.COMMON])
guesses = st.builds(
    known, st.integers(1, 20), st.floats(0, 1), st.integers(1, 9), st.integers(0, 3)
)
bounds = st.builds(
    Bounds,
    nodes=st.integers(0, 12),
    threshold=st.sampled_from([0.0, 0.02, 0.2]),
    free=st.integers(0, 3),
    forks=st.booleans(),
)


def taught(lessons: list[tuple[tuple[float, int, int], bool]]) -> Survival:
    survival = Survival()
    for guess, was_right in lessons:
        survival.learn(guess, was_right=was_right)
    return survival


def fallback(kind: int, said: list[Voter]) -> Fallback:
    return known(1, 1.0, 1, 0, kind), lambda: said


@given(
    voters,
    st.lists(st.tuples(kinds, voters), max_size=3),
    st.lists(st.tuples(guesses, st.booleans()), max_size=30),
    bounds,
)
def test_the_same_drafts_are_grown(first, others, lessons, limits):
    survival = taught(lessons)
    fallbacks = [fallback(kind, said) for kind, said in others]
    nodes: list[Node] = votes.grow(first, survival, limits, fallbacks)
    assert nodes == grow(first, survival, limits, fallbacks)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(-1, 30)), max_size=12),
    st.integers(1, 8),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
)
def test_the_same_part_is_worth_its_pass(nodes, free, slope, branch):
    chances = [chance for chance, _ in nodes]
    parents = [min(parent, number - 1) for number, (_, parent) in enumerate(nodes)]
    asked = (chances, parents, free, slope, branch)
    assert worth.best_part(*asked) == best_part(*asked)


@pytest.mark.parametrize("function", [best_part, worth.best_part], ids=["Python", "compiled"])
@pytest.mark.parametrize("parent", [0, -2, 10**6])
def test_a_parent_that_does_not_stand_before_its_child_is_refused(function, parent):
    with pytest.raises(ValueError, match=f"node 0 has the parent {parent}"):
        function([0.5], [parent], 1, 0.1, 0.1)


@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(-1, 30)), max_size=12), st.floats(0, 0.5))
def test_no_other_part_makes_more_tokens_for_what_its_pass_costs(nodes, slope):
    """The price of a part is the cost curve's own."""
    parents = [min(parent, number - 1) for number, (_, parent) in enumerate(nodes)]
    chances = sorted((chance for chance, _ in nodes), reverse=True)
    draft = Draft(
        tokens=tuple(range(len(nodes))), parents=tuple(parents), origins=(None,) * len(nodes)
    )
    curve = CostCurve(free_rows=4)
    curve.observe(4, 1.0)
    curve.observe(16, 1.0 + 12 * slope)
    curve.observe(16, 1.5 + 12 * slope, paths=2)

    def rate(number: int) -> float:
        return (1 + sum(chances[:number])) / curve.cost(1 + number, draft.first(number).num_paths)

    number, best = curve.best_part(chances, parents)
    assert rate(number) == pytest.approx(best)
    assert best == pytest.approx(max(rate(each) for each in range(len(nodes) + 1)))


def test_drafting_goes_on_in_python_where_nothing_was_compiled():
    """In a process that is shown no compiled modules."""
    script = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if "drafting._" in name else found(name)
from quoth.decoding.drafting.compiled import IS_COMPILED, grow
from quoth.decoding.drafting.reference import ReferenceDrafter
print(IS_COMPILED, grow.__module__, ReferenceDrafter().start([1, 2, 3, 1, 2], []).propose(3).tokens)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert told.stdout.strip() == "False quoth.decoding.drafting.votes (3, 1, 2)", told.stderr
