"""Everything a run trains on and is measured on, split by group, cached as JSON."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from quoth.decoding.training.examples import Example
from quoth.decoding.training.questions import WordRarity
from quoth.decoding.training.ranking import PassageRanker, RankedQuestion, rank_questions
from quoth.decoding.training.sources import Document, is_held_out, read_documents, read_questions
from quoth.decoding.training.tasks import Mixture, TaskShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TOKENIZER_CHARS = 40_000
_MIN_CHARS = 2_000
_NOVELS = "computationalstylistics/100_english_novels"
_NOVEL_CHARS = 60_000
_UNANSWERABLE_SHARE = 0.2
_EVALUATION_SEED = 12345


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Training material and held-out questions; no group stands in both."""

    questions: tuple[RankedQuestion, ...]
    held_out: tuple[RankedQuestion, ...]
    documents: tuple[Document, ...]
    held_out_documents: tuple[Document, ...]
    mixture: Mixture

    def texts(self) -> Iterator[str]:
        """What the vocabulary is trained on."""
        for document in self.documents:
            yield document.text[:_TOKENIZER_CHARS]
        for question in self.questions:
            yield question.question
            yield question.passages[question.gold]

    def held_out_examples(self, count: int, *, shuffled: bool) -> list[Example]:
        """Held-out questions with three passages as retrieved, one in five without an answer."""
        rng = random.Random(_EVALUATION_SEED)
        found = [question for question in self.held_out if question.gold < 3]
        chosen = rng.sample(found, min(count, len(found)))
        num_unanswerable = int(_UNANSWERABLE_SHARE * len(chosen))
        return [
            _as_retrieved(question, rng, is_answerable=place >= num_unanswerable, shuffled=shuffled)
            for place, question in enumerate(chosen)
        ]

    def held_out_made_up(self, count: int) -> list[Example]:
        """Questions made from sentences of held-out documents."""
        if not self.held_out_documents:
            return []
        rng = random.Random(_EVALUATION_SEED)
        mixture = Mixture((), self.held_out_documents, self.mixture.rarity)
        shape = TaskShape(min_passages=3, max_passages=3, shuffled_share=0.0, history_share=0.0)
        return [mixture.draw(shape, rng) for _ in range(count)]


def _as_retrieved(
    question: RankedQuestion, rng: random.Random, *, is_answerable: bool, shuffled: bool
) -> Example:
    order = [
        index
        for index, passage in enumerate(question.passages)
        if (is_answerable and (index < 3 or index == question.gold))
        or not (is_answerable or index == question.gold or question.is_answered_in(passage))
    ][:3]
    if shuffled:
        rng.shuffle(order)
    return Example(
        question=question.question,
        passages=tuple(question.passages[index] for index in order),
        gold=order.index(question.gold) if is_answerable else None,
        quote=question.quote if is_answerable else (0, 0),
        answers=question.answers,
    )


def load_material(
    questions_path: Path,
    text_path: Path,
    cache_path: Path,
    *,
    rank: PassageRanker,
    held_out_share: float,
    seed: int,
) -> Material:
    """Read and split both kinds of data; ranking is done once and kept in ``cache_path``."""
    if not cache_path.exists():
        rows = list(read_questions(questions_path))
        kept = [row for row in rows if not is_held_out(row.group, share=held_out_share)]
        held_out = [row for row in rows if is_held_out(row.group, share=held_out_share)]
        ranked = {
            "questions": rank_questions(kept, rank, random.Random(seed)),
            "held_out": rank_questions(held_out, rank, random.Random(seed + 1)),
        }
        _write(cache_path, ranked)
    cached = json.loads(cache_path.read_text(encoding="utf-8"))
    questions = tuple(_question(row) for row in cached["questions"])
    documents = [_shortened(d) for d in read_documents(text_path) if len(d.text) >= _MIN_CHARS]
    kept_documents = [d for d in documents if not is_held_out(d.path, share=held_out_share)]
    rarity = WordRarity(document.text[:_TOKENIZER_CHARS] for document in kept_documents)
    return Material(
        questions=questions,
        held_out=tuple(_question(row) for row in cached["held_out"]),
        documents=tuple(kept_documents),
        held_out_documents=tuple(d for d in documents if is_held_out(d.path, share=held_out_share)),
        mixture=Mixture(questions, kept_documents, rarity),
    )


def _write(path: Path, ranked: dict[str, list[RankedQuestion]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: [asdict(question) for question in part] for name, part in ranked.items()}
    path.write_text(json.dumps(rows), encoding="utf-8")


def _question(row: dict[str, object]) -> RankedQuestion:
    start, end = _integers(row["quote"])
    return RankedQuestion(
        question=str(row["question"]),
        answers=_strings(row["answers"]),
        passages=_strings(row["passages"]),
        gold=int(str(row["gold"])),
        quote=(start, end),
    )


def _strings(values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in _sequence(values))


def _integers(values: object) -> list[int]:
    return [int(str(value)) for value in _sequence(values)]


def _sequence(values: object) -> Sequence[object]:
    if not isinstance(values, list):
        raise TypeError(f"expected a list, not {values!r}")
    return values


def _shortened(document: Document) -> Document:
    """Novels by their first chapters only, so that they do not outweigh technical documents."""
    if document.source != _NOVELS:
        return document
    return Document(source=document.source, path=document.path, text=document.text[:_NOVEL_CHARS])
