"""A small made-up corpus in the two file formats that training reads."""

import gzip
import json
import random
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SUBJECTS = ["harbour", "engine", "garden", "library", "bridge", "orchard", "mill", "tower"]
_VERBS = ["keeps", "needs", "shows", "holds", "offers", "stores", "covers", "lends"]
_OBJECTS = ["copper", "lanterns", "barley", "maps", "ropes", "violins", "salt", "mirrors"]
_SYLLABLES = ["ba", "do", "fi", "gru", "ke", "lo", "mi", "nor", "pe", "ra", "su", "ti", "vo"]


def sentence(rng: random.Random) -> str:
    """One sentence of made-up facts."""
    words = [rng.choice(part) for part in (_SUBJECTS, _VERBS, _OBJECTS)]
    words.insert(1, _name(rng).capitalize())
    words[3] += f" from {_name(rng)}"
    return f"The {words[0]} of {words[1]} {words[2]} {rng.randint(2, 99)} {words[3]} in winter."


def _name(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=4))


def write_corpus(folder: Path, *, num_documents: int = 40, num_questions: int = 400) -> None:
    """Write ``extractive_qa.jsonl.gz`` and ``corpus.jsonl`` into ``folder``."""
    rng = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as lines:
        for number in range(num_documents):
            text = "\n\n".join(" ".join(sentence(rng) for _ in range(4)) for _ in range(12))
            row = {"source": "made/up", "path": f"{number}.md", "text": text}
            lines.write(json.dumps(row) + "\n")
    with gzip.open(folder / "extractive_qa.jsonl.gz", "wt", encoding="utf-8") as lines:
        for number in range(num_questions):
            sentences = [sentence(rng) for _ in range(8)]
            wanted = rng.choice(sentences)
            row = {
                "source": rng.choice(["xquad_en", "squadshifts_reddit", "subjqa_books"]),
                "id": str(number),
                "title": f"Title {number % 50}",
                "context": " ".join(sentences),
                "question": "What about the " + " ".join(wanted.split()[1:4]) + "?",
                "answers": [" ".join(wanted.split()[4:9])],
            }
            lines.write(json.dumps(row) + "\n")


class SharedWords:
    """A retriever that counts shared words."""

    def __call__(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        candidates: Sequence[Sequence[int]],
    ) -> list[list[int]]:
        """For each question its candidates, most shared words first."""
        known = [set(passage.split()) for passage in passages]
        return [
            sorted(numbers, key=lambda number: -len(known[number] & set(question.split())))
            for question, numbers in zip(questions, candidates, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Counts of words, hashed into 64 dimensions, of unit length."""
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.split():
                row[zlib.crc32(word.encode()) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)


rank_by_shared_words = SharedWords()
