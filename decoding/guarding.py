"""Near-ties, decided the plain way: the same tokens where wider passes round differently.

Verifying a draft can give logits that differ from those of plain decoding by rounding. That matters
only where two tokens are nearly as good. So the margin between the best two is compared with a
bound on the rounding, far above what was measured; if it is smaller, everything that was read since
the last pass that is certain to be plain is read again, one plain pass per token, and the token is
taken from that. The keys are then those of plain decoding, too, so no token is read again twice;
only a cache that cannot be cut back begins with the prompt each time. What remains assumed is that
rounding stays below the bound: `docs/losslessness.md`.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from quoth.decoding.acceptance import Accepted, follow
from quoth.decoding.choosing import Chooser
from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.verify import Verifier

_SAFETY = 16.0  # a margin is safe if it is so many times the rounding measured
_LOSSES = 8  # so many more passes read again than saved, and drafting does not pay


class MarginGuard:
    """Watches over the choices of one sequence.

    Args:
        prompt_ids: Of the sequence.
        noise: By how much logits of a wide pass have differed from those of plain ones.
        new_verifier: Makes the sequence's, and a fresh one where not all can be forgotten.

    Attributes:
        verifier: To go on with; a recheck may replace it.
        rechecks: Choices that were made again.
        reread: Plain passes that this took.
    """

    def __init__(
        self,
        prompt_ids: Sequence[int],
        *,
        noise: float,
        new_verifier: Callable[[], Verifier | RereadingVerifier],
    ) -> None:
        self._text = list(prompt_ids)  # and what was said since
        self._prompt = tuple(prompt_ids)
        self._noise = noise
        self._new_verifier = new_verifier
        self._certain = len(self._prompt)  # so many tokens were read by plain passes
        self._saved = 0
        self.verifier = new_verifier()
        self.rechecks = 0
        self.reread = 0

    @property
    def pays(self) -> bool:
        """Whether drafts have saved more passes than were read again, or nearly."""
        return self.reread <= self._saved + _LOSSES

    def walk(
        self, draft: Draft, logits: Tensor, chooser: Chooser, ends: Callable[[int], bool]
    ) -> tuple[Accepted, bool]:
        """How far the model agrees, and whether a recheck has rolled the passes back already."""
        if not len(draft) and self._certain >= len(self._text) - 1:  # the prompt, or a plain pass
            self._certain = len(self._text)
            accepted = follow(draft, chooser.choices(logits), ends)
            self._text.extend(accepted.tokens)
            return accepted, False
        choices = _Choices(self, chooser, logits)
        accepted = follow(draft, choices, ends, is_cut=lambda: choices.was_rechecked)
        self._saved += len(accepted.tokens) - 1
        return accepted, choices.was_rechecked

    def is_safe(self, scores: Tensor) -> bool:
        """Whether rounding cannot change which token is best."""
        best = scores.topk(min(2, len(scores))).values.tolist()
        return len(best) < 2 or best[0] - best[1] > _SAFETY * self._noise

    def say(self, token: int) -> None:
        """The next token of the text."""
        self._text.append(token)

    def recheck(
        self,
        doubted: Tensor,  # [V]
    ) -> Tensor:  # [V]
        """The logits after the text so far, as plain decoding has them."""
        self.rechecks += 1
        if self.verifier.goes_back_to(self._certain):
            self.verifier.keep(self._certain)
        else:
            self.verifier = self._new_verifier()
            self.verifier.prefill(self._prompt)
            self._certain = len(self._prompt)
        row = doubted
        for token in self._text[self._certain :]:
            row = self.verifier.verify(token, NO_DRAFT)[0]
            self._certain += 1
            self.verifier.keep(self._certain)
            self.reread += 1
        differing = float((row - doubted).abs().nan_to_num().max())
        self._noise = max(self._noise, differing)
        return row


class _Choices:
    """Takes tokens down one path, each from logits that are sure enough."""

    def __init__(self, guard: MarginGuard, chooser: Chooser, logits: Tensor) -> None:
        self._guard = guard
        self._chooser = chooser
        self._logits = logits
        self.was_rechecked = False

    @torch.inference_mode()
    def __call__(self, node: int) -> int:
        row = self._logits[node + 1]
        if not self._guard.is_safe(self._chooser.scores(row)):
            row = self._guard.recheck(row)
            self.was_rechecked = True
        token = self._chooser.choices(row[None])(-1)
        self._guard.say(token)
        return token
