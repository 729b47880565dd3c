"""The passages of a run: cut from kept documents, unlike each other and unlike what is measured."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from quoth.decoding.training.deduplication import Seen
from quoth.decoding.training.neighbours import Library, find_neighbours
from quoth.decoding.training.passages import choose_passages
from quoth.decoding.training.sources import NOVELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from quoth.decoding.training.neighbours import PassageEmbedder
    from quoth.decoding.training.questions import WordRarity
    from quoth.decoding.training.sources import Document

MEASURED_SHARE = 0.3
"""A text with so many of its word 8-grams in measured texts is not trained on."""

_KNOWN_SHARE = 0.5
_COUNT = 25_000
_PER_DOCUMENT = 12


def make_library(  # noqa: PLR0913  (what it is made from, and where it is kept)
    documents: Sequence[Document],
    rarity: WordRarity,
    embedder: PassageEmbedder,
    cache_path: Path,
    *,
    measured: Seen,
    seed: int,
    count: int = _COUNT,
) -> Library:
    """Cut, choose and embed at most ``count`` passages; several versions of a page give one."""
    known = Seen()

    def is_wanted(text: str) -> bool:
        if measured.has(text, share=MEASURED_SHARE) or known.has(text, share=_KNOWN_SHARE):
            return False
        known.add(text)
        return True

    passages = choose_passages(
        documents,
        random.Random(seed),
        is_wanted=is_wanted,
        count=count,
        per_document=_PER_DOCUMENT,
        novels=frozenset(i for i, document in enumerate(documents) if document.source == NOVELS),
    )
    texts = [passage.text for passage in passages]
    return Library(passages, find_neighbours(texts, embedder, cache_path), rarity)


def held_out_library(documents: Sequence[Document], rarity: WordRarity) -> Library:
    """The passages of held-out documents, novels left out; nothing is embedded."""
    passages = choose_passages(
        [document for document in documents if document.source != NOVELS],
        random.Random(0),
        is_wanted=lambda _text: True,
        count=_COUNT,
        per_document=_PER_DOCUMENT,
    )
    return Library(passages, None, rarity)
