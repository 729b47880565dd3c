"""Passages are stretches of their documents, of the retriever's size, with what they are about."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.made_corpus import SharedWords
from quoth.decoding.training.neighbours import Library, find_neighbours
from quoth.decoding.training.passages import (
    Passage,
    choose_passages,
    cut_document,
    heading_of,
    num_tokens,
    title_of,
)
from quoth.decoding.training.questions import WordRarity
from quoth.decoding.training.sources import NOVELS, Document

_GUIDE = """---
title: "The lamp guide"
---
## Lighting a lamp

To light a lamp, turn the wheel.

```sh
lamp --light
```

Trimming
--------

{}
"""


def _document(text: str, path: str = "docs/0574-drain-range.md") -> Document:
    return Document(source="made/up", path=path, text=text)


@given(st.text(alphabet="Ab. \n-#=`", max_size=600))
def test_passages_are_parts_of_the_text_in_order(text: str) -> None:
    position = 0
    for passage in cut_document(_document(text), 3):
        position = text.index(passage.text, position) + len(passage.text)
        assert passage.text == passage.text.strip() != ""
        assert len(passage.text) <= 800
        assert num_tokens(passage.text) <= 180
        assert passage.document == 3


def test_headings_begin_passages_and_are_known() -> None:
    passages = cut_document(_document(_GUIDE.format("Trim the wick. " * 80)), 0)
    assert [passage.subject for passage in passages] == ["The lamp guide"] * len(passages)
    assert passages[0].text.startswith("## Lighting a lamp")
    assert "lamp --light\n```" in passages[0].text
    assert {passage.heading for passage in passages[1:]} <= {"Trimming", "Lighting a lamp"}
    assert passages[-1].heading == "Trimming"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("PEP: 319\nTitle: Synchronize\n\nAbstract\n", "PEP 319"),
        ("---\ntitle: 'A page'\n---\nText.", "A page"),
        ("## Summary\n\nText.", "drain range"),
        ("# `Option` & `unwrap`\n\nText.", "Option & unwrap"),
        ("Text alone.", "drain range"),
    ],
)
def test_titles_come_of_the_document_or_its_name(text: str, title: str) -> None:
    assert title_of(_document(text)) == title


@pytest.mark.parametrize(
    ("block", "heading"),
    [
        ("# One two #\n", "One two"),
        ("One two\n-------", "One two"),
        ("=======\nOne two\n=======", "One two"),
        ("### [Linked](http://x.y) name", "Linked name"),
        ("No heading here.\nReally.", None),
    ],
)
def test_headings_of_markdown_and_restructured_text(block: str, heading: str | None) -> None:
    assert heading_of(block) == heading


def test_novels_give_few_passages_and_unwanted_texts_none() -> None:
    texts = ["\n\n".join(f"Sentence {n} of number {m}. " * 12 for n in range(9)) for m in range(30)]
    documents = [
        Document(source=NOVELS if m < 15 else "made/up", path=str(m), text=text)
        for m, text in enumerate(texts)
    ]
    chosen = choose_passages(
        documents,
        random.Random(0),
        is_wanted=lambda text: "of number 20." not in text,
        count=100,
        per_document=8,
        novels=frozenset(range(15)),
    )
    assert 60 <= len(chosen) <= 100
    assert sum(passage.document < 15 for passage in chosen) == 3
    assert not any(passage.document == 20 for passage in chosen)


def _passages(texts: list[str]) -> list[Passage]:
    return [Passage(text=text, document=0, subject="", heading="") for text in texts]


class _Counting(SharedWords):
    """Tells how many texts were embedded."""

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts):  # type: ignore[no-untyped-def]
        self.embedded += len(texts)
        return super().embed(texts)


def test_neighbours_are_the_nearest_and_are_embedded_once(tmp_path: Path) -> None:
    texts = [f"{a} {b} {c}" for a in ("red", "blue") for b in ("cat", "dog") for c in "xyz"]
    embedder, cache = _Counting(), tmp_path / "passages.npz"
    found = find_neighbours(texts, embedder, cache)
    vectors = SharedWords().embed(texts)
    for number, (near, cosines) in enumerate(zip(found.numbers, found.cosines, strict=True)):
        assert number not in near
        assert len(set(near.tolist())) == len(texts) - 1
        np.testing.assert_allclose(cosines, vectors[near] @ vectors[number], atol=2e-3)
        assert list(cosines) == sorted(cosines, reverse=True)
    assert embedder.embedded == len(texts)
    again = find_neighbours([*texts[::-1], "green cow"], embedder, cache)
    assert embedder.embedded == len(texts) + 1
    assert len(again.numbers) == len(texts) + 1


def test_a_search_brings_passages_with_the_same_rare_words(tmp_path: Path) -> None:
    texts = [f"the usual words of every text and word{n}" for n in range(40)]
    texts[7] += " zanzibar"
    texts[30] += " zanzibar"
    rarity = WordRarity(texts)
    library = Library(_passages(texts), None, rarity)
    found = library.found_with("where is Zanzibar?", 7, count=5)
    assert found[0][0] == 30
    assert all(number != 7 for number, _ in found)
