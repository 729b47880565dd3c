"""Which passages a retriever would bring along with one: nearest in meaning, or of the same words.

The embedder is passed in, so that this package does not know it. Its vectors are kept in a file,
since they are the only costly part of the training data.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from quoth.decoding.training.questions import WordRarity, folded
from quoth.decoding.training.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from quoth.decoding.training.passages import Passage

NUM_NEIGHBOURS = 24
_BLOCK = 1024
_MAX_POSTINGS = 60  # words of more passages than these find too much
_NUM_WORDS = 3
_AROUND = 6
_UNKNOWN_COSINE = 0.3


class PassageEmbedder(Protocol):
    """Turns texts into vectors as the product's index does."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, [len(texts), dim]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """For each passage the nearest others, best first, with their cosines."""

    numbers: NDArray[np.int32]  # [num_passages, NUM_NEIGHBOURS]
    cosines: NDArray[np.float16]  # the same


def find_neighbours(
    texts: Sequence[str], embedder: PassageEmbedder, cache_path: Path
) -> Neighbours:
    """Neighbours of all texts; the vectors in ``cache_path`` are used, and new ones added."""
    digests = np.array([hashlib.sha256(text.encode()).hexdigest() for text in texts])
    known: dict[str, NDArray[np.float16]] = {}
    if cache_path.exists():
        with np.load(cache_path, allow_pickle=False) as kept:
            known = dict(zip(kept["digests"].tolist(), kept["vectors"], strict=True))
    missing = [place for place, digest in enumerate(digests.tolist()) if digest not in known]
    if missing:
        embedded = embedder.embed([texts[place] for place in missing]).astype(np.float16)
        known.update(zip(digests[missing].tolist(), embedded, strict=True))
        with replacing(cache_path) as fresh, fresh.open("wb") as kept_file:
            kept_vectors = np.stack(list(known.values()))
            np.savez(kept_file, digests=np.array(list(known)), vectors=kept_vectors)
    vectors = np.stack([known[digest] for digest in digests.tolist()])
    return _nearest(vectors.astype(np.float32))


def _nearest(vectors: NDArray[np.float32]) -> Neighbours:
    count = min(NUM_NEIGHBOURS, len(vectors) - 1)
    numbers = np.empty((len(vectors), count), dtype=np.int32)
    cosines = np.empty((len(vectors), count), dtype=np.float16)
    for begin in range(0, len(vectors), _BLOCK):
        scores = vectors[begin : begin + _BLOCK] @ vectors.T
        rows = np.arange(len(scores))
        scores[rows, begin + rows] = -np.inf
        best = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count else scores[:, :0]
        best = best.astype(np.int64)
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        numbers[begin : begin + _BLOCK] = best
        cosines[begin : begin + _BLOCK] = np.take_along_axis(scores, best, axis=1)
    return Neighbours(numbers=numbers, cosines=cosines)


class Library:
    """Passages that questions are made from, with what a search would find beside each."""

    def __init__(
        self, passages: Sequence[Passage], neighbours: Neighbours | None, rarity: WordRarity
    ) -> None:
        """Index the passages' rarer words; without ``neighbours`` those before and after count."""
        self.passages = passages
        self.rarity = rarity
        self._neighbours = neighbours
        self._words = [folded(passage.text) for passage in passages]
        postings: dict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(self._words):
            for word in words:
                postings[word].append(number)
        self._postings = {
            word: numbers for word, numbers in postings.items() if len(numbers) <= _MAX_POSTINGS
        }

    def __len__(self) -> int:
        """The number of passages."""
        return len(self.passages)

    def near(self, number: int) -> list[tuple[int, float]]:
        """The nearest passages of one, best first, with their cosines."""
        if self._neighbours is None:
            around = range(max(0, number - _AROUND), min(len(self), number + _AROUND + 1))
            return [(other, _UNKNOWN_COSINE) for other in around if other != number]
        numbers = self._neighbours.numbers[number].tolist()
        return list(zip(numbers, self._neighbours.cosines[number].tolist(), strict=True))

    def with_words_of(self, question: str) -> list[int]:
        """Passages with the question's rarest words, most shared words first."""
        words = sorted(
            folded(question) & self._postings.keys(),
            key=lambda word: (len(self._postings[word]), word),
        )
        counts: dict[int, int] = defaultdict(int)
        for word in words[:_NUM_WORDS]:
            for number in self._postings[word]:
                counts[number] += 1
        return sorted(counts, key=lambda number: (-counts[number], number))

    def found_with(self, question: str, number: int, *, count: int) -> list[tuple[int, float]]:
        """What a search for the question would bring beside ``number``, best first, with scores.

        A score is the weight of shared rare words, as a share of what the passage itself shares
        with the question, plus the cosine to that passage.
        """
        cosines = dict(self.near(number))
        numbers = list(cosines)
        numbers += [n for n in self.with_words_of(question)[:count] if n not in cosines]
        asked = folded(question)
        own = self.rarity.overlap_of(asked, self._words[number]) or 1.0
        scores = {
            other: self.rarity.overlap_of(asked, self._words[other]) / own
            + cosines.get(other, _UNKNOWN_COSINE)
            for other in numbers
            if other != number
        }
        return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))[:count]
