"""Tokens are found in tokens as a scan finds them, however many are sought."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding.token_search import Needle, find_each, stable_order

tokens = st.one_of(st.integers(0, 3), st.integers(0, 2**40))
texts = st.lists(tokens, max_size=60)


def scan(needle: list[int], haystack: list[int]) -> list[int]:
    places = range(len(haystack) - len(needle) + 1) if needle else ()
    return [at for at in places if haystack[at : at + len(needle)] == needle]


@given(texts, st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=8), st.data())
def test_each_is_found_wherever_it_stands(haystack, others, data):
    parts = st.tuples(st.integers(0, 60), st.integers(0, 9)).map(
        lambda cut: haystack[cut[0] : cut[0] + cut[1]]
    )
    needles = [*others, *data.draw(st.lists(parts, max_size=20))]
    expected = [scan(needle, haystack) for needle in needles]
    assert find_each([*map(Needle, needles)], haystack) == expected


def test_many_are_found_where_one_pair_stands_often():
    haystack = [1, 2] * 100 + [3]
    needles = [[1, 2, 3], [1, 2, 1, 2], [2, 1], [9, 9], [3]] * 4
    assert find_each([*map(Needle, needles)], haystack) == [
        scan(needle, haystack) for needle in needles
    ]


@given(st.lists(st.integers(0, 2**62), max_size=40), st.sampled_from([1, 400]))
def test_an_order_is_that_of_a_stable_sort(numbers, times):
    array = np.resize(np.asarray(numbers, dtype=np.int64), times * len(numbers))
    assert stable_order(array).tolist() == np.argsort(array, kind="stable").tolist()
