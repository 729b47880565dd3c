"""Whatever the text: chunks are exact ranges, in order, within bounds, and nothing is lost."""

import unicodedata
from itertools import pairwise

from hypothesis import given, reject
from hypothesis import strategies as st

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.chunking import ChunkingConfig, chunk_document, estimate_tokens
from quoth.retrieval.documents import Heading, LoadedDocument
from quoth.retrieval.loaders import load
from quoth.retrieval.sentences import sentence_ranges

# Letters that compose, joiners, wide marks, all kinds of breaks, structure, and anything else.
AWKWARD = st.sampled_from(
    ["e", "\u0301", "\u0323", "👩", "\u200d", "\u1100", "\u1161", "\r\n", "\r", "\n", "\n\n", "\t",
     " ", "\x00", "\u2028", "\ufb01", "\xa0", "\u202e", ".", "...", "。", "# ", "## A\n", "```\n",
     "- ", "1. ", "|", "Dr. ", "3.5", "word ", "Sentence one. ", "x" * 70, "漢字", "A\n===\n"]
)  # fmt: skip
TEXTS = st.lists(AWKWARD | st.text(max_size=6), max_size=120).map("".join)
CONFIGS = st.builds(
    lambda target, smallest, overlap: ChunkingConfig(
        target=target, smallest=min(smallest, target), overlap=min(overlap, target - 1)
    ),
    target=st.integers(1, 60),
    smallest=st.integers(1, 30),
    overlap=st.integers(0, 20),
)


@given(TEXTS)
def test_canonical_text_is_a_fixed_point(raw: str) -> None:
    text = canonical_text(raw)
    assert canonical_text(text) == text
    assert unicodedata.is_normalized("NFC", text)
    assert "\r" not in text
    assert "\0" not in text
    text.encode()  # no lone surrogates


@given(TEXTS, CONFIGS, st.sampled_from(["a.txt", "a.md", "a.rst", "a.py", "a.html"]))
def test_every_loader_and_chunk_size_keeps_every_character(
    raw: str, config: ChunkingConfig, name: str
) -> None:
    try:
        document = load(name, f"begin {raw}".encode("utf-8", "ignore"))
    except DocumentError:  # so many control characters that it is no text
        reject()
    assert document.text == canonical_text(document.text)
    check_chunks(document, config)


@given(TEXTS, CONFIGS, st.data())
def test_arbitrary_structure_is_respected(raw: str, config: ChunkingConfig, data) -> None:
    text = canonical_text(raw)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    headings = tuple(
        Heading(start=cut, end=cut, level=data.draw(st.integers(1, 3)), title=f"H{cut}")
        for cut in cuts
        if cut < len(text)
    )
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    kept = tuple(zip(edges[::2], edges[1::2], strict=False))
    document = LoadedDocument(text=text, format="text", headings=headings, kept_whole=kept)
    chunks = check_chunks(document, config)
    for heading in headings:  # a chapter begins a chunk, unless only white space stands before it
        if heading.level == 1 and heading.title not in {h.title for h in headings if h != heading}:
            crossing = [c for c in chunks if c.start < heading.start < c.end]
            assert not any(text[c.start : heading.start].strip() for c in crossing)


def check_chunks(document: LoadedDocument, config: ChunkingConfig) -> list:
    text = document.text
    chunks = chunk_document(document, config)
    covered = set()
    for chunk in chunks:
        piece = text[chunk.start : chunk.end]
        assert piece
        assert piece == piece.strip()
        covered.update(range(chunk.start, chunk.end))
        pieces = estimate_tokens(piece)
        assert pieces <= config.target + config.smallest + config.overlap or len(piece) == 1
    assert all(place in covered for place, letter in enumerate(text) if not letter.isspace())
    assert [c.end for c in chunks] == sorted(c.end for c in chunks)
    if not config.overlap:
        assert all(a.end <= b.start for a, b in pairwise(chunks))
    return chunks


@given(TEXTS)
def test_sentences_partition_the_text(raw: str) -> None:
    text = canonical_text(raw)
    ranges = sentence_ranges(text)
    assert all(a[1] <= b[0] for a, b in pairwise(ranges))
    assert "".join("".join(text[a:b].split()) for a, b in ranges) == "".join(text.split())
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in ranges)


@given(TEXTS, st.integers(0, 40), st.integers(0, 40))
def test_sentences_of_a_part_stay_in_it(raw: str, start: int, length: int) -> None:
    text = canonical_text(raw)
    start = min(start, len(text))
    end = min(start + length, len(text))
    assert all(start <= a < b <= end for a, b in sentence_ranges(text, start, end))
