"""Questions put to the assistant as a user would put them, and their answers judged."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from quoth.app.assistant import Assistant
from quoth.app.evaluating.answers.judging import Given, Verdict, judge
from quoth.app.evaluating.answers.questions import AnswerQuestion
from quoth.app.events import Answer, Done, Text
from quoth.app.questions import check_question
from quoth.app.settings import Settings
from quoth.decoding import Decoder
from quoth.errors import InputError
from quoth.retrieval import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was asked, with at most `k` passages retrieved, and what came of it."""

    k: int
    question: AnswerQuestion
    given: Given
    verdict: Verdict
    tokens: int
    first_s: float  # seconds until the first word, the search included
    seconds: float  # until the answer was whole


def ask_with(
    index: Index, decoder: Decoder, settings: Settings, questions: Sequence[AnswerQuestion], k: int
) -> Iterator[Asked]:
    """Ask each question, with `k` passages and greedily, in a conversation of its own."""
    settings = replace(settings, num_passages=k, temperature=0.0)
    assistant = Assistant(index, decoder, settings)
    for question in questions:
        yield asked_of(assistant, question)


def asked_of(assistant: Assistant, question: AnswerQuestion) -> Asked:
    """Ask one question, after its earlier turns."""
    conversation_id = assistant.new_conversation(question.history)
    began = time.perf_counter()
    first_s, answer = 0.0, None
    for event in assistant.stream(question.question, conversation_id):
        if isinstance(event, Text) and not first_s:
            first_s = time.perf_counter() - began
        elif isinstance(event, Done):
            answer = event.answer
    seconds = time.perf_counter() - began
    if answer is None:
        raise RuntimeError("the stream of events ended without an answer")
    given = given_in(answer)
    return Asked(
        k=assistant.settings.num_passages,
        question=question,
        given=given,
        verdict=judge(question, given),
        tokens=answer.stats.tokens,
        first_s=first_s or seconds,
        seconds=seconds,
    )


def given_in(answer: Answer) -> Given:
    """What is judged of an answer."""
    return Given(
        text=answer.text,
        passages=tuple(scored.passage for scored in answer.passages),
        citations=answer.citations,
        is_cut_off=answer.is_cut_off,
    )


def check_questions(questions: Sequence[AnswerQuestion], max_chars: int) -> None:
    """Find out before anything is asked whether all questions can be.

    Raises:
        InputError: One is too long; the message names its line.
    """
    for one in questions:
        try:
            check_question(one.question, max_chars)
        except InputError as error:
            raise InputError(f"{one.place}: {error}") from error
