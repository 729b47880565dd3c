"""The one prompt form that quoth-mini is trained on, and the two forms of its answers.

It is what the application's prompting sends to every model: the question before and after the
numbered passages, so that a causal model can match words against it while it reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSAL = "The documents do not answer this question."


def question_message(question: str, passages: Sequence[str]) -> str:
    """The last user message: question, numbered passages, question."""
    asked = f"Question: {question}"
    numbered = [f"[{number}] {passage}" for number, passage in enumerate(passages, start=1)]
    return "\n\n".join([asked, *numbered, asked])


def quoting_answer(number: int, quote: str) -> str:
    """An answer that quotes passage ``number`` (counted from 1)."""
    return f"[{number}] {quote}"
