"""Pages are known before decoding, so that a document may change meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from quoth.app.sources import _page, _page_breaks
from quoth.types import Passage


@given(
    starts=st.lists(st.integers(1, 60), max_size=5, unique=True).map(lambda s: [0, *sorted(s)]),
    begin=st.integers(0, 50),
    length=st.integers(1, 30),
)
def test_every_offset_of_a_passage_has_the_page_that_the_index_gives(starts, begin, length):
    def page_at(_document_id, offset):
        return sum(start <= offset for start in starts)

    passage = Passage(
        id="p",
        document_id="d",
        document="d.pdf",
        text="x" * length,
        start=begin,
        end=begin + length,
        page=page_at("d", begin),
        end_page=page_at("d", begin + length - 1),
    )
    breaks = _page_breaks(passage, page_at)
    for offset in range(begin, begin + length):
        assert _page(passage, breaks, offset) == page_at("d", offset)
