"""Copied tokens become characters, compared with their source before anybody sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.citations import CitableSource, CitationTracker, covered_share
from quoth.decoding import CopiedSpan
from quoth.types import Citation, Location

MIN_CHARS = 6


def source(text, *, identity="p1", base=100, kind="document"):
    """A source whose tokens are its characters."""
    return CitableSource(
        reference_id=identity,
        source_id=f"doc-of-{identity}",
        text=text,
        base=base,
        document="manual.pdf",
        kind=kind,
        char_ranges=tuple((i, i + 1) for i in range(len(text))),
        page_at=lambda offset: offset // 100,
        locations=tuple(
            Location(start=at, label=f"line {at}") for at in range(base, base + len(text), 10)
        ),
    )


def tracker(*sources):
    """Token ids are code points."""
    return CitationTracker(
        sources,
        decode=lambda ids: "".join(chr(i) for i in ids),
        min_chars=MIN_CHARS,
    )


def feed(following, text, *copied):
    return following.feed([ord(c) for c in text], text, copied)


def copied(start, end, at, identity="p1"):
    return CopiedSpan(
        start=start, end=end, reference_id=identity, reference_start=at, drafter="reference"
    )


def test_a_copy_is_cited_in_the_document_with_its_page():
    following = tracker(source("Look: ravens fly high. Yes.", base=295))
    assert feed(following, "[1] ravens fly high", copied(4, 19, 6)) == []  # the word may go on
    (citation,) = feed(following, ".")
    assert (citation.start, citation.end) == (4, 19)
    assert (citation.source_id, citation.source_start, citation.source_end) == (
        "doc-of-p1",
        301,
        316,
    )
    assert (citation.document, citation.page, citation.origin) == ("manual.pdf", 3, "copied")
    assert citation.location == "lines 295-315"


def test_a_copy_at_the_end_is_cited_when_the_answer_has_ended():
    following = tracker(source("ravens fly high"))
    assert feed(following, "ravens fly high", copied(0, 15, 0)) == []
    (citation,) = following.finish()
    assert (citation.start, citation.end) == (0, 15)


def test_a_copy_of_half_a_word_is_cut_to_whole_words():
    following = tracker(source("the warranty period"))
    feed(following, "the warranty perils", copied(0, 16, 0))
    feed(following, " end")
    (citation,) = following.finish() or following.all_citations()
    assert following.text[citation.start : citation.end] == "the warranty"


def test_a_sentence_whose_beginning_was_found_elsewhere_is_one_citation():
    elsewhere = source("Here the web chat shows.", identity="p1")
    whole = source("the web chat has no log-in.", identity="p2", base=500)
    following = tracker(elsewhere, whole)
    feed(following, "[1] the web chat has no log-in.", copied(3, 16, 4), copied(16, 31, 12, "p2"))
    following.finish()
    (citation,) = following.all_citations()
    assert (citation.start, citation.end) == (4, 31)
    assert (citation.source_id, citation.source_start) == ("doc-of-p2", 500)


def test_two_sentences_of_two_sources_stay_two_citations():
    first, second = source("Ravens fly. "), source("Owls sleep.", identity="p2")
    following = tracker(first, second)
    feed(following, "Ravens fly. Owls sleep.", copied(0, 12, 0), copied(12, 23, 0, "p2"))
    following.finish()
    assert [citation.source_id for citation in following.all_citations()] == [
        "doc-of-p1",
        "doc-of-p2",
    ]


def test_short_copies_are_not_cited():
    following = tracker(source("the end of it"))
    feed(following, "the dog", copied(0, 4, 0))
    assert following.finish() == []
    assert following.all_citations() == ()


def test_a_span_that_names_other_text_is_dropped():
    following = tracker(source("ravens fly high"))
    feed(following, "foxes are red ", copied(0, 14, 0))
    assert following.finish() == []


def test_other_places_with_the_same_text_are_named():
    following = tracker(source("ravens fly high"), source("So: ravens fly high", identity="p2"))
    feed(following, "ravens fly high", copied(0, 15, 0))
    (citation,) = following.finish()
    assert [(o.source_id, o.start) for o in citation.others] == [("doc-of-p2", 104)]


def test_text_that_was_generated_but_stands_in_a_source_is_matched():
    following = tracker(source("It is said that ravens fly high over hills in the spring."))
    feed(following, "I know ravens fly high over hills in the autumn.")
    (citation,) = following.all_citations()
    assert citation.origin == "matched"
    assert following.text[citation.start : citation.end] == "ravens fly high over hills in the"


def test_turns_are_cited_as_turns():
    following = tracker(source("ravens fly high", identity="turn-1", kind="turn", base=0))
    feed(following, "ravens fly high", copied(0, 15, 0, "turn-1"))
    (citation,) = following.finish()
    assert citation.kind == "turn"


WORDS = st.lists(st.sampled_from(["raven", "flies", "high", "é", "wing", "."]), max_size=14)


@given(texts=st.lists(WORDS, min_size=1, max_size=3), data=st.data())
def test_every_citation_equals_its_source_and_none_overlap(texts, data):
    """Whatever copies and free words make up the answer, and however it is cut into steps."""
    sources = [source(" ".join(words), identity=f"p{n}") for n, words in enumerate(texts)]
    following = tracker(*sources)
    seen = []
    length = 0
    for _ in range(data.draw(st.integers(0, 4))):
        free = data.draw(st.sampled_from(["", " so ", "x", "high "]))
        chosen = data.draw(st.sampled_from(sources))
        begin = data.draw(st.integers(0, len(chosen.text)))
        end = data.draw(st.integers(begin, len(chosen.text)))
        start = length + len(free)
        length = start + end - begin
        spans = [copied(start, length, begin, chosen.reference_id)] if end > begin else []
        seen += feed(following, free + chosen.text[begin:end], *spans)
    seen += following.finish()
    final = following.all_citations()
    kept = [c for c in final if c.origin == "copied"]
    assert len(kept) <= len(seen)
    for told in seen:  # one may have taken the place of two that follow each other
        assert told in kept or any(c.start <= told.start and told.end <= c.end for c in kept)
    by_id = {s.source_id: s for s in sources}
    position = 0
    for citation in final:
        assert citation.start >= position
        position = citation.end
        cited = by_id[citation.source_id]
        quoted = cited.text[citation.source_start - cited.base : citation.source_end - cited.base]
        assert quoted == following.text[citation.start : citation.end]
        assert len(quoted) >= MIN_CHARS
        for other in citation.others:
            held = by_id[other.source_id]
            assert held.text[other.start - held.base : other.end - held.base] == quoted


@pytest.mark.parametrize(
    ("text", "ranges", "share"),
    [
        ("", [], 0.0),
        ("[1] Ravens fly. Yes.", [(4, 15)], 10 / 14),
        ("[1] all of it", [(0, 13)], 1.0),
        ("nothing", [], 0.0),
    ],
)
def test_the_covered_share_counts_visible_characters_without_markers(text, ranges, share):
    citations = [
        Citation(start=a, end=b, source_id="d", source_start=a, source_end=b, document="d.txt")
        for a, b in ranges
    ]
    assert covered_share(text, citations) == pytest.approx(share)
