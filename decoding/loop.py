"""The decode loop of one sequence: prefill, then (draft, verify, accept, roll back, observe)*.

Streaming is the primitive: the loop is an iterator of steps. It knows neither the model's cache nor
how drafts are made; plain decoding is the same loop with drafters that propose nothing. In a batch
the passes are run outside, for many loops at once (`quoth.decoding.batch`); the steps are the same.
"""

import sys
from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from quoth.decoding.acceptance import Accepted, follow
from quoth.decoding.choosing import Chooser
from quoth.decoding.drafting.mixing import Mixer, Proposal
from quoth.decoding.drafting.protocol import PREDICTIONS, Outcome
from quoth.decoding.exactness import Safety
from quoth.decoding.generation import CopiedSpan, Step
from quoth.decoding.logprobs import token_logprobs
from quoth.decoding.part import Part
from quoth.decoding.provenance import CopyTracker
from quoth.decoding.request import Request
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.stats import Tally
from quoth.decoding.stopping import StopRule
from quoth.decoding.verify import Verifier

if TYPE_CHECKING:
    from quoth.decoding.draft import Origin


class DecodeLoop:
    """One request on its way; iterate once, or call `begin` and then go on from outside.

    Args:
        request: What to decode.
        verifier: Fresh, for this request alone.
        mixer: This request's drafters.
        chooser: Takes tokens from logits.
        rule: Says where the text ends.
        safety: What keeps drafts from changing the text.
    """

    def __init__(
        self,
        request: Request,
        *,
        verifier: Verifier | RereadingVerifier,
        mixer: Mixer,
        chooser: Chooser,
        rule: StopRule,
        safety: Safety,
    ) -> None:
        self._request = request
        self._verifier = verifier
        self._mixer = mixer
        self._chooser = chooser
        self._rule = rule
        self._guard = safety.guard
        self._is_rolled_back = False  # the guard did it
        self._tracker = CopyTracker(request.references)
        self._tally = Tally(safety.mode)
        self._length = 0  # tokens in the cache: all but the last one
        self._last = 0

    def __iter__(self) -> Iterator[Step]:
        """Decode to the end; every step holds at least one token."""
        try:
            yield self.begin()
            while not self.is_finished:
                yield self.step()
        finally:
            self.close()

    @property
    def is_finished(self) -> bool:
        """Whether the text has ended."""
        return self._rule.finish_reason is not None

    def close(self) -> None:
        """Nothing more is wanted: tell the drafters. A text that has ended is closed already."""
        self._mixer.close()

    def begin(self) -> Step:
        """Read the prompt; the first token."""
        begun = perf_counter()
        logits = self._verifier.prefill(self._request.prompt_ids)
        proposal = Proposal()
        accepted = self.walk(proposal, logits)
        self._length, self._last = len(self._request.prompt_ids), accepted.tokens[-1]
        self._tally.prefill_s += perf_counter() - begun
        return self._finish(accepted, proposal, logits)

    def step(self) -> Step:
        """Draft, verify, accept: one pass of its own."""
        begun = perf_counter()
        proposal = self.propose()
        drafted_at = perf_counter()
        logits = self._verifier.verify(self._last, proposal.draft)
        accepted = self.walk(proposal, logits)
        self._mixer.took(proposal.draft, perf_counter() - drafted_at)
        return self.accept(accepted, proposal, logits, perf_counter() - begun)

    def propose(self, most: int = sys.maxsize) -> Proposal:
        """The draft for the next pass, of at most `most` tokens."""
        if self._guard is not None and not self._guard.pays:
            return Proposal()
        return self._mixer.propose(min(most, self._rule.tokens_left - 1, self._verifier.room))

    def part(self, proposal: Proposal) -> Part:
        """What this sequence reads in a pass that verifies the proposal."""
        assert isinstance(self._verifier, Verifier), "states share no passes"
        return self._verifier.part(self._last, proposal.draft)

    def walk(self, proposal: Proposal, logits: Tensor) -> Accepted:
        """How far the model agrees; to be called once per pass."""
        guard, draft = self._guard, proposal.draft
        if guard is None:
            return follow(draft, self._chooser.choices(logits), self._rule.ends)
        accepted, self._is_rolled_back = guard.walk(draft, logits, self._chooser, self._rule.ends)
        self._verifier = guard.verifier
        self._tally.rechecks, self._tally.reread_passes = guard.rechecks, guard.reread
        return accepted

    def accept(
        self,
        accepted: Accepted,
        proposal: Proposal,
        logits: Tensor,
        seconds: float,  # since the step began
        *,
        is_shared: bool = False,
    ) -> Step:
        """Keep what the model agreed with, forget the rest."""
        begun = perf_counter()
        nodes = accepted.nodes[: len(accepted.tokens) - 1]  # the last token is read next
        if not self._is_rolled_back:
            self._verifier.keep(self._length + 1, nodes)
        self._length += len(accepted.tokens)
        self._last = accepted.tokens[-1]
        self._tally.count_pass(proposal.makers, gained=nodes)
        self._tally.shared_passes += is_shared
        self._tally.decode_s += seconds + perf_counter() - begun
        return self._finish(accepted, proposal, logits)

    def _finish(self, accepted: Accepted, proposal: Proposal, logits: Tensor) -> Step:
        """Tell the drafters, and make the step that the consumer sees."""
        begun = perf_counter()
        is_last = self._rule.finish_reason is not None
        self._mixer.observe(
            Outcome(
                token_ids=accepted.tokens,
                draft=proposal.draft,
                accepted=accepted.nodes,
                predicted=_predicted(logits) if self._mixer.needs_predictions else None,
            )
        )
        if is_last:
            self.close()
        copied = self._copied(accepted, proposal, is_last=is_last)
        text = self._rule.take_text()
        logprobs = token_logprobs(logits, accepted, self._request.alternatives)
        self._tally.tokens += len(accepted.tokens)
        self._tally.draft_failures = self._mixer.failures
        self._tally.decode_s += perf_counter() - begun
        return Step(
            token_ids=accepted.tokens,
            copied=copied,
            text=text,
            finish_reason=self._rule.finish_reason,
            stats=self._tally.snapshot(),
            logprobs=logprobs,
        )

    def _copied(
        self, accepted: Accepted, proposal: Proposal, *, is_last: bool
    ) -> tuple[CopiedSpan, ...]:
        """The copied spans that ended in this step."""
        guessed: list[tuple[Origin | None, str]] = [
            (proposal.draft.origins[node], proposal.makers[node]) for node in accepted.nodes
        ]
        guessed += [(None, "")] * (len(accepted.tokens) - len(guessed))
        ended = [
            self._tracker.push(token, origin, maker)
            for token, (origin, maker) in zip(accepted.tokens, guessed, strict=True)
        ]
        if is_last:
            ended.append(self._tracker.close())
        return tuple(span for span in ended if span is not None)


def _predicted(
    logits: Tensor,  # [rows, V]
) -> NDArray[np.int64]:  # [rows, K]
    best = logits.topk(min(PREDICTIONS, logits.shape[-1]), dim=-1).indices
    found: NDArray[np.int64] = best.cpu().numpy()
    return found
