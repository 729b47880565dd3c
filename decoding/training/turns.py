"""Earlier turns: such as have nothing to do with the question, and such as hold its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from quoth.decoding.training.examples import Example, Quote
from quoth.decoding.training.paraphrase import retyped
from quoth.decoding.training.prompts import REFUSAL, quoting_answer
from quoth.decoding.training.questions import STOP_WORDS, phrase_of, words_of

if TYPE_CHECKING:
    import random

    from quoth.decoding.training.ranking import RankedQuestion

Turn = tuple[str, str]
Earlier = Callable[["RankedQuestion", "random.Random"], "RankedQuestion | None"]

_REFUSED_SHARE = 0.12
_NEVER_SAID_SHARE = 0.1
_MAX_EARLIER = 3
_AGAIN = (
    "What was that again?",
    "what did you just say?",
    "Can you repeat that?",
    "Repeat that, please.",
    "Say that again",
    "Sorry, what was the answer?",
    "Please repeat your last answer.",
    "once more please",
    "I didn't get that. What did you say?",
    "come again?",
)
_SAID = (
    "What did you say about {}?",
    "What was it you said about {}?",
    "what did you tell me about {}",
    "Repeat what you said about {}.",
    "You mentioned {} before. What was it?",
    "earlier you said something about {}, what was that?",
    "Remind me: what about {}?",
    "What was that about {} again?",
)
_ASKED_AGAIN = (
    "Again: {}",
    "Once more: {}",
    "I forgot, {}",
    "Remind me, {}",
    "You said it before: {}",
    "Sorry, {}",
    "as I asked before, {}",
    "Tell me again: {}",
)
_DETAILS = (
    (re.compile(r"\bv?\d+\.\d+"), ("Which version did you say?", "what version was that again?")),
    (re.compile(r"\b(?:19|20)\d\d\b"), ("When was that again?", "Which year did you say?")),
    (re.compile(r"\b\d{2,}\b"), ("What number did you say?", "how many was that again?")),
    (re.compile(r"`[^`]+`"), ("What was it called again?", "which name did you give?")),
)


class Turns:
    """Puts earlier turns before an example."""

    def __init__(self, earlier: Earlier) -> None:
        """Take other questions from ``earlier``, which is told what question they stand before."""
        self._earlier = earlier

    def before(self, example: Example, task: RankedQuestion, rng: random.Random) -> Example:
        """The example after one to three turns that do not answer it."""
        turns = self._several(task, rng, rng.randint(1, _MAX_EARLIER))
        return replace(example, history=tuple(turns))

    def follow_up(
        self, example: Example, task: RankedQuestion, rng: random.Random
    ) -> Example | None:
        """A question that a turn before answered, over passages that do not answer it."""
        quote = task.quotes[0]
        said = task.passages[quote.passage or 0][quote.start : quote.end]
        number = rng.randint(1, _MAX_EARLIER)
        own = (task.question, quoting_answer(number, said))
        turns = self._several(task, rng, rng.choice((0, 0, 1, 1, 2)))
        if rng.random() < _NEVER_SAID_SHARE and turns:
            return self._never_said(example, said, turns, rng)
        place = rng.choice((len(turns), rng.randint(0, len(turns))))
        turns.insert(place, own)
        question = _question_again(task.question, said, rng, is_last=place == len(turns) - 1)
        start = len(own[1]) - len(said)
        return replace(
            example,
            question=question,
            history=tuple(turns),
            quotes=(Quote(turn=place, start=start, end=len(own[1])),),
            kind="follow-up",
        )

    def _never_said(
        self, example: Example, said: str, turns: list[Turn], rng: random.Random
    ) -> Example | None:
        subject = subject_of(said, rng)
        if not subject or any(subject.casefold() in answer.casefold() for _, answer in turns):
            return None
        question = retyped(rng.choice(_SAID).format(subject), rng)
        return replace(example, question=question, history=tuple(turns), kind="never said")

    def _several(self, task: RankedQuestion, rng: random.Random, count: int) -> list[Turn]:
        turns: dict[str, Turn] = {}
        for turn in (self._turn(task, rng) for _ in range(count)):
            if turn:
                turns.setdefault(turn[1].split("] ", 1)[-1], turn)
        return list(turns.values())

    def _turn(self, task: RankedQuestion, rng: random.Random) -> Turn | None:
        earlier = self._earlier(task, rng)
        if earlier is None:
            return None
        if not earlier.quotes or rng.random() < _REFUSED_SHARE:
            return earlier.question, REFUSAL
        quote = earlier.quotes[0]
        said = earlier.passages[quote.passage or 0][quote.start : quote.end]
        if task.is_answered_in(said) or earlier.question == task.question:
            return None
        return earlier.question, quoting_answer(rng.randint(1, _MAX_EARLIER), said)


def _question_again(question: str, said: str, rng: random.Random, *, is_last: bool) -> str:
    chance = rng.random()
    if is_last and chance < 0.3:
        details = [frames for pattern, frames in _DETAILS if pattern.search(said)]
        frames = rng.choice(details) if details and chance < 0.15 else _AGAIN
        return retyped(rng.choice(frames), rng)
    subject = subject_of(said, rng)
    if subject and chance < 0.65:
        return retyped(rng.choice(_SAID).format(subject), rng)
    frame = rng.choice(_ASKED_AGAIN) if rng.random() < 0.7 else "{}"
    return frame.format(retyped(question, rng))


def subject_of(said: str, rng: random.Random) -> str | None:
    """One to three neighbouring words of an answer by which one would name it."""
    if thing := phrase_of(said, lambda word: len(word) / 2, rng):
        return thing
    words = [word for word in re.split(r"[^\w'`.-]+", said) if word]
    places = [
        place
        for place, word in enumerate(words)
        if word.casefold() not in STOP_WORDS and len(word) > 3 and words_of(word)
    ]
    if not places:
        return None
    place = rng.choice(places[:6])
    end = place + 1
    while end < len(words) and end - place < 3 and words[end].casefold() not in STOP_WORDS:
        end += 1
    return " ".join(words[place:end]).strip("`.'-")
