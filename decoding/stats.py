"""Counts of one generation. No clock in here: seconds are handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class DrafterStats:
    """What was verified of one drafter's proposals, and how much of it the model confirmed.

    A token that several drafters guess is credited to one of them.
    """

    drafts: int = 0
    drafted: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Totals of one generation.

    The prefill gives the first token; every later token costs a forward pass or was `accepted`
    (gained without a pass of its own), so always
    `tokens == 1 + forward_passes + accepted`. Seconds are wall time spent in here, not in
    the consumer of the stream; a pass that several rows of a batch share counts in full for each.

    `exactness` says why drafts changed no token (`docs/losslessness.md`): "invariant", passes give
    the bits of plain ones; "guarded", near-ties were decided again, `rechecks` times, with
    `reread_passes` plain passes; "plain", there were no drafts: none were asked for, or neither of
    the others would hold.
    """

    tokens: int = 0  # new ones, the final EOS included
    forward_passes: int = 0  # prefill not counted
    shared_passes: int = 0  # those of them that also served other rows of a batch
    drafted: int = 0
    accepted: int = 0
    draft_failures: int = 0  # drafters that raised, or drafts that were malformed
    exactness: str = "invariant"
    rechecks: int = 0
    reread_passes: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    drafters: Mapping[str, DrafterStats] = field(default_factory=lambda: MappingProxyType({}))


class Tally:
    """The running counts of one generation."""

    def __init__(self, exactness: str = "invariant") -> None:
        self._exactness = exactness
        self._counts: dict[str, list[int]] = {}
        self.tokens = 0
        self.forward_passes = 0
        self.shared_passes = 0
        self.draft_failures = 0
        self.rechecks = 0
        self.reread_passes = 0
        self.prefill_s = 0.0
        self.decode_s = 0.0

    def count_pass(self, makers: Sequence[str], *, gained: Sequence[int]) -> None:
        """One forward pass over a draft; `makers` by node, and the nodes that saved a pass."""
        self.forward_passes += 1
        for maker in set(makers):
            self._counts.setdefault(maker, [0, 0, 0])[0] += 1
        for maker in makers:
            self._counts[maker][1] += 1
        for node in gained:
            self._counts[makers[node]][2] += 1

    def snapshot(self) -> Stats:
        """The totals so far, as a value."""
        rows = self._counts.values()
        return Stats(
            tokens=self.tokens,
            forward_passes=self.forward_passes,
            shared_passes=self.shared_passes,
            drafted=sum(row[1] for row in rows),
            accepted=sum(row[2] for row in rows),
            draft_failures=self.draft_failures,
            exactness=self._exactness,
            rechecks=self.rechecks,
            reread_passes=self.reread_passes,
            prefill_s=self.prefill_s,
            decode_s=self.decode_s,
            drafters=MappingProxyType(
                {
                    name: DrafterStats(drafts=row[0], drafted=row[1], accepted=row[2])
                    for name, row in self._counts.items()
                }
            ),
        )
