"""Sources that were prepared before are indexed as if they had been sorted together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding import DecodingConfig
from quoth.decoding.drafting.common_tokens import CommonTokens
from quoth.decoding.drafting.matching import SortedClasses, SortedPlaces
from quoth.decoding.drafting.prepared import PreparedSources, PreparedTokens
from quoth.decoding.drafting.protocol import Outcome
from quoth.decoding.drafting.reference import ReferenceDrafter
from quoth.decoding.generation import Reference

# Ids that are equal in their last 20 bits share keys.
tokens = st.one_of(st.integers(0, 3), st.sampled_from([1 + (1 << 20), 2 + (1 << 20)]))
texts = st.lists(st.lists(tokens, max_size=12), min_size=1, max_size=6)


def joined(parts: list[list[int]]) -> np.ndarray:
    """All behind one another, each behind a separator."""
    return np.asarray([token for n, part in enumerate(parts) for token in (-1 - n, *part)])


def offsets(parts: list[list[int]]) -> list[int]:
    return [0, *np.cumsum([len(part) + 1 for part in parts])[:-1].tolist()]


def as_lists(arrays: SortedPlaces | SortedClasses) -> list[list[int]]:
    return [array.tolist() for array in arrays]


@given(texts)
def test_orders_are_merged_to_that_of_the_whole(parts):
    own = [PreparedTokens(part).places for part in parts]
    whole = SortedPlaces.of(joined(parts))
    assert as_lists(SortedPlaces.merged(own, offsets(parts))) == as_lists(whole)


@given(texts, st.lists(st.integers(0, 2), max_size=5))
def test_so_are_spellings(parts, spellings):
    spellings = np.asarray(spellings, dtype=np.int64)
    own = [PreparedTokens(part, spellings).classes for part in parts]
    whole = SortedClasses.of(joined(parts), spellings)
    assert as_lists(SortedClasses.merged(own, offsets(parts))) == as_lists(whole)


@given(texts)
def test_so_are_counts(parts):
    said = [token for part in parts for token in part]
    most = dict(CommonTokens([PreparedTokens(part) for part in parts]).most())
    assert len(most) == min(4, len(set(said)))
    for token, share in most.items():
        assert share == pytest.approx(said.count(token) / len(said))
    others = [said.count(token) for token in set(said) - most.keys()]
    assert max(others, default=0) <= min((said.count(token) for token in most), default=0)


def drafts(drafter: ReferenceDrafter, prompt: list[int], sources: list[list[int]]) -> list[object]:
    """What is drafted while the text repeats its sources."""
    references = [Reference(f"s{n}", tuple(source)) for n, source in enumerate(sources)]
    session = drafter.start(prompt, references)
    found = []
    for token in [token for source in sources for token in source][:12]:
        draft = session.propose(8)
        found.append(draft)
        session.observe(Outcome(token_ids=(token,), draft=draft, accepted=()))
    return found


@given(st.lists(st.tuples(st.lists(tokens, min_size=1, max_size=8), texts), max_size=4))
def test_what_earlier_requests_left_behind_changes_no_draft(requests):
    config = DecodingConfig(min_survival=0.0)
    spellings = [0, 1, 1, 0]
    used = ReferenceDrafter(config, prepared=PreparedSources(spellings, max_tokens=20))
    for prompt, sources in requests:
        fresh = ReferenceDrafter(config, prepared=PreparedSources(spellings))
        assert drafts(used, prompt, sources) == drafts(fresh, prompt, sources)


def test_a_source_is_prepared_once_until_others_need_its_room():
    prepared = PreparedSources(max_tokens=8)
    first = prepared.source([1, 2, 3])
    assert prepared.source((1, 2, 3)) is first
    prepared.source([4, 5, 6])
    assert prepared.source([1, 2, 3]) is first  # now used last
    prepared.source([7, 8, 9])
    assert prepared.source([1, 2, 3]) is first
    assert prepared.source([4, 5, 6]) is not None
    prepared.source([1] * 50)  # does not fit, and drops all others
    assert prepared.source([1, 2, 3]) is not first
