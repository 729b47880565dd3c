"""What a drafter is: it sees tokens, references and what verification returned, and nothing else.

`Drafter.start` opens a session for one sequence. The loop then alternates `propose` and `observe`.
A drafter may raise, lie or propose nonsense: that costs time and never changes an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.draft import Draft


class ReferenceTokens(Protocol):
    """The tokens of a copy source and the name it goes by."""

    @property
    def id(self) -> str:
        """The caller's name for it."""
        ...

    @property
    def token_ids(self) -> Sequence[int]:
        """Its tokens."""
        ...


PREDICTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What a step added to the text.

    `token_ids` are the new tokens; `draft` is what was verified (a merger of what all drafters
    proposed, empty after the prompt), and `accepted` the nodes of it that were right, from the root
    down. A drafter judges its own proposal by `token_ids`: `quoth.decoding.acceptance.judge`.

    `predicted` are the model's likeliest tokens after the last token (row 0) and after each node of
    the draft (row 1 + node), best first, before any sampling; there only if a drafter of the
    sequence has `needs_predictions = True`. [1 + len(draft), K], K at most `PREDICTIONS`.
    """

    token_ids: tuple[int, ...]
    draft: Draft
    accepted: tuple[int, ...]
    predicted: NDArray[np.int64] | None = None


class DraftSession(Protocol):
    """The drafting of one sequence.

    It may have a method `close()`, which is called once, when the text has ended or is given up.
    """

    def propose(self, budget: int) -> Draft:
        """Guess at most `budget` tokens (at least 1 may be asked for); an empty draft is fine."""
        ...

    def observe(self, outcome: Outcome) -> None:
        """Learn what the model said. Called after the prompt and after every step."""
        ...


class Drafter(Protocol):
    """Makes sessions; the same drafter may serve many sequences, also at the same time.

    It may have the attribute `needs_predictions = True` to be told `Outcome.predicted`.
    """

    @property
    def name(self) -> str:
        """What statistics and copied spans call it."""
        ...

    def start(self, prompt: Sequence[int], references: Sequence[ReferenceTokens]) -> DraftSession:
        """Open a session for a sequence that begins with `prompt`."""
        ...
