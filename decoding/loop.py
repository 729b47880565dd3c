"""The decode loop of one sequence: prefill, then (draft, verify, accept, roll back, observe)*.

Streaming is the primitive: the loop is an iterator of steps. It knows neither the model's cache nor
how drafts are made; plain decoding is the same loop with drafters that propose nothing.
"""

from collections.abc import Callable, Iterator, Sequence

from quoth.decoding.acceptance import Accepted, follow
from quoth.decoding.choosing import Chooser
from quoth.decoding.draft import NO_DRAFT, Draft, Origin
from quoth.decoding.drafting.guard import GuardedSession
from quoth.decoding.drafting.protocol import Outcome
from quoth.decoding.generation import CopiedSpan, Step
from quoth.decoding.provenance import CopyTracker
from quoth.decoding.request import Request
from quoth.decoding.stats import Tally
from quoth.decoding.stopping import StopRule
from quoth.decoding.verify import Verifier


class DecodeLoop:
    """One request on its way; iterate once.

    Args:
        request: What to decode.
        verifier: Fresh, for this request alone.
        sessions: Opened by this request's drafters; the first that proposes something is verified.
        chooser: Takes tokens from logits.
        rule: Says where the text ends.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        request: Request,
        *,
        verifier: Verifier,
        sessions: Sequence[GuardedSession],
        chooser: Chooser,
        rule: StopRule,
        clock: Callable[[], float],
    ) -> None:
        self._request = request
        self._verifier = verifier
        self._sessions = sessions
        self._chooser = chooser
        self._rule = rule
        self._clock = clock
        self._tracker = CopyTracker(request.references)
        self._tally = Tally()

    def __iter__(self) -> Iterator[Step]:
        """Decode to the end; every step holds at least one token."""
        begun = self._clock()
        logits = self._verifier.prefill(self._request.prompt_ids)
        accepted = follow(NO_DRAFT, self._chooser.choices(logits), self._rule.ends)
        self._tally.prefill_s += self._clock() - begun
        yield self._finish(accepted, NO_DRAFT, "")
        length = len(self._request.prompt_ids)  # tokens in the cache: all but the last one
        last = accepted.tokens[-1]
        while self._rule.finish_reason is None:
            begun = self._clock()
            draft, drafter = self._propose()
            logits = self._verifier.verify(last, draft)
            accepted = follow(draft, self._chooser.choices(logits), self._rule.ends)
            nodes = accepted.nodes[: len(accepted.tokens) - 1]  # the last token is read next
            self._verifier.keep(length + 1, nodes)
            length += len(accepted.tokens)
            last = accepted.tokens[-1]
            self._tally.count_pass(drafter, drafted=len(draft), accepted=len(accepted.tokens) - 1)
            self._tally.decode_s += self._clock() - begun
            yield self._finish(accepted, draft, drafter)

    def _propose(self) -> tuple[Draft, str]:
        """The first draft that a drafter offers, and the drafter's name."""
        budget = min(self._rule.tokens_left - 1, self._verifier.room)
        for session in self._sessions:
            draft = session.propose(budget)
            if len(draft):
                return (draft if self._verifier.takes_trees else draft.first_chain()), session.name
        return NO_DRAFT, ""

    def _finish(self, accepted: Accepted, draft: Draft, drafter: str) -> Step:
        """Tell the drafters, and make the step that the consumer sees."""
        begun = self._clock()
        outcome = Outcome(token_ids=accepted.tokens, draft=draft, accepted=accepted.nodes)
        is_last = self._rule.finish_reason is not None
        for session in self._sessions:
            if not is_last:
                session.observe(outcome)
        copied = self._copied(accepted, draft, drafter, is_last=is_last)
        text = self._rule.take_text()
        self._tally.tokens += len(accepted.tokens)
        self._tally.draft_failures = sum(session.failures for session in self._sessions)
        self._tally.decode_s += self._clock() - begun
        return Step(
            token_ids=accepted.tokens,
            copied=copied,
            text=text,
            finish_reason=self._rule.finish_reason,
            stats=self._tally.snapshot(),
        )

    def _copied(
        self, accepted: Accepted, draft: Draft, drafter: str, *, is_last: bool
    ) -> tuple[CopiedSpan, ...]:
        """The copied spans that ended in this step."""
        origins: list[Origin | None] = [draft.origins[node] for node in accepted.nodes]
        origins += [None] * (len(accepted.tokens) - len(origins))
        ended = [
            self._tracker.push(token, origin, drafter)
            for token, origin in zip(accepted.tokens, origins, strict=True)
        ]
        if is_last:
            ended.append(self._tracker.close())
        return tuple(span for span in ended if span is not None)
