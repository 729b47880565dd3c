"""The decode loop of one sequence: prefill, then (draft, verify, accept, roll back, observe)*.

Streaming is the primitive: the loop is an iterator of steps. It knows neither the model's cache nor
how drafts are made; plain decoding is the same loop with drafters that propose nothing.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from quoth.decoding.acceptance import Accepted, follow
from quoth.decoding.choosing import Chooser
from quoth.decoding.drafting.mixing import Mixer, Proposal
from quoth.decoding.drafting.protocol import PREDICTIONS, Outcome
from quoth.decoding.generation import CopiedSpan, Step
from quoth.decoding.provenance import CopyTracker
from quoth.decoding.request import Request
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.stats import Tally
from quoth.decoding.stopping import StopRule
from quoth.decoding.verify import Verifier

if TYPE_CHECKING:
    from quoth.decoding.draft import Origin


class DecodeLoop:
    """One request on its way; iterate once.

    Args:
        request: What to decode.
        verifier: Fresh, for this request alone.
        mixer: This request's drafters.
        chooser: Takes tokens from logits.
        rule: Says where the text ends.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        request: Request,
        *,
        verifier: Verifier | RereadingVerifier,
        mixer: Mixer,
        chooser: Chooser,
        rule: StopRule,
        clock: Callable[[], float],
    ) -> None:
        self._request = request
        self._verifier = verifier
        self._mixer = mixer
        self._chooser = chooser
        self._rule = rule
        self._clock = clock
        self._tracker = CopyTracker(request.references)
        self._tally = Tally()

    def __iter__(self) -> Iterator[Step]:
        """Decode to the end; every step holds at least one token."""
        begun = self._clock()
        logits = self._verifier.prefill(self._request.prompt_ids)
        proposal = Proposal()
        accepted = follow(proposal.draft, self._chooser.choices(logits), self._rule.ends)
        self._tally.prefill_s += self._clock() - begun
        yield self._finish(accepted, proposal, logits)
        length = len(self._request.prompt_ids)  # tokens in the cache: all but the last one
        last = accepted.tokens[-1]
        while self._rule.finish_reason is None:
            begun = self._clock()
            budget = min(self._rule.tokens_left - 1, self._verifier.room)
            proposal = self._mixer.propose(budget)
            drafted_at = self._clock()
            logits = self._verifier.verify(last, proposal.draft)
            accepted = follow(proposal.draft, self._chooser.choices(logits), self._rule.ends)
            self._mixer.took(1 + len(proposal.draft), self._clock() - drafted_at)
            nodes = accepted.nodes[: len(accepted.tokens) - 1]  # the last token is read next
            self._verifier.keep(length + 1, nodes)
            length += len(accepted.tokens)
            last = accepted.tokens[-1]
            self._tally.count_pass(proposal.makers, gained=nodes)
            self._tally.decode_s += self._clock() - begun
            yield self._finish(accepted, proposal, logits)

    def _finish(self, accepted: Accepted, proposal: Proposal, logits: Tensor) -> Step:
        """Tell the drafters, and make the step that the consumer sees."""
        begun = self._clock()
        is_last = self._rule.finish_reason is not None
        if not is_last:
            self._mixer.observe(
                Outcome(
                    token_ids=accepted.tokens,
                    draft=proposal.draft,
                    accepted=accepted.nodes,
                    predicted=_predicted(logits) if self._mixer.needs_predictions else None,
                )
            )
        copied = self._copied(accepted, proposal, is_last=is_last)
        text = self._rule.take_text()
        self._tally.tokens += len(accepted.tokens)
        self._tally.draft_failures = self._mixer.failures
        self._tally.decode_s += self._clock() - begun
        return Step(
            token_ids=accepted.tokens,
            copied=copied,
            text=text,
            finish_reason=self._rule.finish_reason,
            stats=self._tally.snapshot(),
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
