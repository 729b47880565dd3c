"""Drafting alone: the recorded answer stands for the model.

The drafters go through the same `Mixer` and `follow` as in a real decode loop, and the passes are
counted, not run. What needs the model's own predictions cannot be judged in this way.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from quoth.decoding import DecodingConfig
from quoth.decoding.acceptance import follow
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.guard import GuardedSession
from quoth.decoding.drafting.mixing import Mixer
from quoth.decoding.drafting.protocol import Drafter, Outcome
from replaying.rows import Row

_BUDGET = 128  # more than any drafter asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One answer with one method: passes after the prompt, and seconds spent on drafting.

    `tokens` are those after the first; always `tokens == passes + accepted`. Seconds are processor
    time of this thread, so that other programs on the machine do not show.
    """

    row: Row
    tokens: int
    passes: int
    drafted: int
    accepted: int
    failures: int
    start_s: float
    step_s: tuple[float, ...]  # propose and observe, per pass


def walk(row: Row, drafters: Sequence[Drafter], config: DecodingConfig, *, vocabulary: int) -> Walk:
    """Let the drafters guess a recorded answer; token ids are below `vocabulary`.

    Those that feed on the model's predictions are left out: a recorded answer has none.
    """
    begun = time.thread_time()
    mixer = Mixer(
        [
            GuardedSession(drafter, row.prompt, row.references, vocabulary_size=vocabulary)
            for drafter in drafters
            if not getattr(drafter, "needs_predictions", False)
        ],
        config=config,
        forks=config.forks,
        cost=CostCurve(free_rows=config.min_rows),
    )
    mixer.observe(Outcome(token_ids=row.answer[:1], draft=NO_DRAFT, accepted=()))
    start_s = time.thread_time() - begun
    said, drafted, seconds = 1, 0, []
    while said < len(row.answer):
        step = _step(mixer, row.answer[said:])
        said += step.gained + 1
        drafted += step.drafted
        seconds.append(step.seconds)
    return Walk(
        row=row,
        tokens=said - 1,
        passes=len(seconds),
        drafted=drafted,
        accepted=said - 1 - len(seconds),
        failures=mixer.failures,
        start_s=start_s,
        step_s=tuple(seconds),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    gained: int
    drafted: int
    seconds: float


def _step(mixer: Mixer, rest: Sequence[int]) -> _Step:
    """One pass, with `rest` for what the model says."""
    begun = time.thread_time()
    draft = mixer.propose(_BUDGET).draft
    seconds = time.thread_time() - begun
    places = count(1)
    said = iter(rest)
    found = follow(draft, lambda _: next(said), lambda _: next(places) == len(rest))
    outcome = Outcome(token_ids=found.tokens, draft=draft, accepted=found.nodes)
    begun = time.thread_time()
    mixer.observe(outcome)
    seconds += time.thread_time() - begun
    return _Step(len(found.tokens) - 1, len(draft), seconds)
