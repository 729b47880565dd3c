"""Everything a run trains on and is measured on, split by group, cached in the run's folder."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from quoth.decoding.training.catalogue import MEASURED_SHARE, held_out_library, make_library
from quoth.decoding.training.deduplication import Seen
from quoth.decoding.training.examples import Example, Quote
from quoth.decoding.training.longform import read_long_answers
from quoth.decoding.training.paraphrase import word_neighbours
from quoth.decoding.training.questions import WordRarity, words_of
from quoth.decoding.training.ranking import PassageRanker, RankedQuestion, rank_questions
from quoth.decoding.training.replacing import replacing
from quoth.decoding.training.sources import (
    NOVELS,
    Document,
    QuestionRow,
    is_held_out,
    is_row_held_out,
    read_documents,
    read_questions,
)
from quoth.decoding.training.tasks import Mixture, TaskShape, select_passages
from quoth.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TOKENIZER_CHARS = 40_000
_MIN_CHARS = 2_000
_NOVEL_CHARS = 60_000
_UNANSWERABLE_SHARE = 0.2
_EVALUATION_SEED = 12345
_USUAL_SHARE = 0.02
_LONG_ANSWERS = "longform_qa.jsonl"
_NUM_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Training material and held-out questions; no group stands in both."""

    questions: tuple[RankedQuestion, ...]
    held_out: tuple[RankedQuestion, ...]
    documents: tuple[Document, ...]
    held_out_documents: tuple[Document, ...]
    mixture: Mixture
    rarity: WordRarity

    def texts(self) -> Iterator[str]:
        """What the vocabulary is trained on."""
        for document in self.documents:
            yield document.text[:_TOKENIZER_CHARS]
        for question in self.questions:
            yield question.question
            yield from (question.passages[place] for place in question.gold)

    def held_out_examples(self, count: int, *, shuffled: bool) -> list[Example]:
        """Held-out questions with three passages as retrieved, one in five without an answer."""
        rng = random.Random(_EVALUATION_SEED)
        found = [q for q in self.held_out if q.quotes and max(q.gold) < _NUM_SHOWN]
        chosen = rng.sample(found, min(count, len(found)))
        num_unanswerable = int(_UNANSWERABLE_SHARE * len(chosen))
        return [
            _as_retrieved(question, rng, is_answerable=place >= num_unanswerable, shuffled=shuffled)
            for place, question in enumerate(chosen)
        ]

    def held_out_made_up(self, count: int) -> list[Example]:
        """Questions made from sentences of held-out documents."""
        library = held_out_library(self.held_out_documents, self.rarity)
        if not library:
            return []
        rng = random.Random(_EVALUATION_SEED)
        mixture = Mixture((), library, {})
        shape = TaskShape(
            min_passages=3,
            max_passages=3,
            shuffled_share=0.0,
            history_share=0.0,
            follow_up_share=0.0,
            joined_share=0.0,
        )
        return [mixture.draw(shape, rng) for _ in range(count)]


def _as_retrieved(
    question: RankedQuestion, rng: random.Random, *, is_answerable: bool, shuffled: bool
) -> Example:
    shape = TaskShape(
        min_passages=_NUM_SHOWN,
        max_passages=_NUM_SHOWN,
        max_chars=10**6,
        shuffled_share=float(shuffled),
    )
    return select_passages(question, shape, rng, is_answerable=is_answerable)


def load_material(
    questions_path: Path,
    text_path: Path,
    cache_path: Path,
    *,
    rank: PassageRanker,
    held_out_share: float,
    seed: int,
) -> Material:
    """Read and split both kinds of data; nothing near what is held out is kept.

    Args:
        questions_path: ``extractive_qa.jsonl.gz``; ``longform_qa.jsonl`` is read where it lies
            beside it.
        text_path: JSON-lines corpus of documents.
        cache_path: Keeps the ranked questions; the vectors of passages are kept beside it.
        rank: The retriever, asked once for the order of passages and for their vectors.
        held_out_share: Of titles, texts and documents.
        seed: Decides which passages are cut and drawn.
    """
    read = [_shortened(document) for document in read_documents(text_path)]
    kept_documents, held_out_documents = _held_apart(read, held_out_share)
    kept, held_out = _rows_apart(_rows(questions_path), held_out_share)
    measured = _measured(read, held_out, held_out_share)
    if not cache_path.exists():
        _write(cache_path, _ranked(unlike(kept, held_out, measured), held_out, rank, seed))
    ranked = _read(cache_path)
    rarity = WordRarity(document.text[:_TOKENIZER_CHARS] for document in kept_documents)
    vectors_path = cache_path.with_name("passages.npz")
    library = make_library(kept_documents, rarity, rank, vectors_path, measured=measured, seed=seed)
    synonyms = word_neighbours(lambda word: rarity.is_common(word, share=_USUAL_SHARE))
    return Material(
        questions=ranked["questions"],
        held_out=ranked["held_out"],
        documents=kept_documents,
        held_out_documents=held_out_documents,
        mixture=Mixture(ranked["questions"], library, synonyms),
        rarity=rarity,
    )


def _ranked(
    kept: Sequence[QuestionRow], held_out: Sequence[QuestionRow], rank: PassageRanker, seed: int
) -> dict[str, list[RankedQuestion]]:
    asked = [row for row in held_out if not row.is_quoted]
    return {
        "questions": rank_questions(kept, rank, random.Random(seed)),
        "held_out": rank_questions(asked, rank, random.Random(seed + 1)),
    }


def _held_apart(
    documents: Sequence[Document], share: float
) -> tuple[tuple[Document, ...], tuple[Document, ...]]:
    """Documents that are kept, and those that are held out; short ones are neither."""
    long = [document for document in documents if len(document.text) >= _MIN_CHARS]
    held_out = [is_held_out(document.path, share=share) for document in long]
    return (
        tuple(d for d, is_out in zip(long, held_out, strict=True) if not is_out),
        tuple(d for d, is_out in zip(long, held_out, strict=True) if is_out),
    )


def _rows_apart(
    rows: Sequence[QuestionRow], share: float
) -> tuple[list[QuestionRow], list[QuestionRow]]:
    """Rows that are kept, and those that are held out."""
    held_out = [is_row_held_out(row, share=share) for row in rows]
    return (
        [row for row, is_out in zip(rows, held_out, strict=True) if not is_out],
        [row for row, is_out in zip(rows, held_out, strict=True) if is_out],
    )


def _measured(documents: Sequence[Document], held_out: Sequence[QuestionRow], share: float) -> Seen:
    """All held-out texts, those of short documents too."""
    seen = Seen(d.text for d in documents if is_held_out(d.path, share=share))
    for row in held_out:
        seen.add(row.context)
    return seen


def _rows(questions_path: Path) -> list[QuestionRow]:
    rows = list(read_questions(questions_path))
    long_answers = questions_path.with_name(_LONG_ANSWERS)
    return [*rows, *read_long_answers(long_answers)] if long_answers.exists() else rows


def unlike(
    rows: Sequence[QuestionRow], held_out: Sequence[QuestionRow], measured: Seen
) -> list[QuestionRow]:
    """The rows whose question is none of the held-out ones, and whose text is not near them."""
    asked = {_wording(row.question) for row in held_out}
    near: dict[str, bool] = {}
    for row in rows:
        if row.context not in near:
            near[row.context] = measured.has(row.context, share=MEASURED_SHARE)
    return [row for row in rows if not near[row.context] and _wording(row.question) not in asked]


def _wording(question: str) -> str:
    return " ".join(words_of(question.casefold()))


def _write(path: Path, ranked: dict[str, list[RankedQuestion]]) -> None:
    rows = {name: [asdict(question) for question in part] for name, part in ranked.items()}
    with replacing(path) as fresh:
        fresh.write_text(json.dumps(rows), encoding="utf-8")


def _read(path: Path) -> dict[str, tuple[RankedQuestion, ...]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {name: tuple(map(_question, rows[name])) for name in ("questions", "held_out")}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(path)!r} is cut off, or written by another version of quoth: {error!r}. Train "
            f"in another folder, or move the file away; then questions are ranked again."
        ) from error


def _question(row: dict[str, Any]) -> RankedQuestion:
    return RankedQuestion(
        question=row["question"],
        answers=tuple(row["answers"]),
        passages=tuple(row["passages"]),
        quotes=tuple(Quote(**quote) for quote in row["quotes"]),
        kind=row["kind"],
    )


def _shortened(document: Document) -> Document:
    """Novels by their first chapters only, so that they do not outweigh technical documents."""
    if document.source != NOVELS:
        return document
    return Document(source=document.source, path=document.path, text=document.text[:_NOVEL_CHARS])
