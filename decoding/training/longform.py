"""Answers of several sentences, written nearly word for word from one text, as quotes of it.

CLAPNQ (Rosenthal et al., arXiv 2404.02103) has answers that join sentences of one passage.
A row is kept where each sentence of its answer is nearly one of the passage.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from quoth.decoding.training.sentences import split_sentences
from quoth.decoding.training.sources import LICENCES, QuestionRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SPACES = (
    (re.compile(r"``\s*|\s*''"), '"'),
    (re.compile(r" (?=[.,;:?!)\]%](?:\s|$|[.,)]))"), ""),
    (re.compile(r"(?<=[(\[$])\s+"), ""),
    (re.compile(r" (?='(?:s|re|ve|ll|d|m)\b|n't\b|'(?:\s|$))"), ""),
    (re.compile(r"(?<=\w) - (?=\w)"), "-"),
    (re.compile(r"\s*\r?\n\s*"), "\n"),
)
_MIN_SHARED = 0.72
_MAX_QUOTES = 3


def untokenised(text: str) -> str:
    """Without the spaces and quotation marks of Penn-Treebank tokens.

    Worked example: ``He 's ( nearly ) done , `` he said '' .`` gives
    ``He's (nearly) done, "he said".``
    """
    for pattern, replacement in _SPACES:
        text = pattern.sub(replacement, text)
    return text.strip()


def read_long_answers(path: Path) -> Iterator[QuestionRow]:
    """Rows of ``longform_qa.jsonl`` that are licensed and quote their text, or have no answer."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"] not in LICENCES:
                continue
            context = untokenised(" ".join(row["contexts"]))
            answer = untokenised(row["answer"] or "")
            quotes = aligned(answer, context) if answer else ()
            if answer and not quotes:
                continue
            yield QuestionRow(
                source=row["source"],
                group=hashlib.sha256(context.encode()).hexdigest(),
                question=row["question"].strip(),
                context=context,
                answers=quotes,
                is_quoted=True,
            )


def aligned(answer: str, context: str) -> tuple[str, ...]:
    """The sentences of ``context`` that ``answer`` is made of, in its order; none where unlike."""
    known = [context[start:end] for start, end in split_sentences(context)]
    found: list[str] = []
    for start, end in split_sentences(answer):
        likeness = [(_shared(answer[start:end], sentence), sentence) for sentence in known]
        best, sentence = max(likeness, default=(0.0, ""))
        if best < _MIN_SHARED:
            return ()
        found.append(sentence)
    unique = tuple(dict.fromkeys(found))
    return unique if len(unique) <= _MAX_QUOTES else ()


def _shared(one: str, other: str) -> float:
    """Twice the words in common by the words of both: the F1 of the one against the other."""
    left, right = (Counter(re.findall(r"\w+", text.casefold())) for text in (one, other))
    return 2 * (left & right).total() / max(1, left.total() + right.total())
