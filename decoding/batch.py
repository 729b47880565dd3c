"""Many requests at once: the step of one sequence, with the forward pass shared.

Rows join and leave: when one ends, the next waiting prompt is read and joins the others. A prompt
is read alone, in passes of its own, so that it gets the bits that it would get by itself; the
others wait for that long.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from quoth.decoding.config import DecodingConfig
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.mixing import Proposal
from quoth.decoding.generation import Step
from quoth.decoding.loop import DecodeLoop
from quoth.decoding.packing import Packer

_UNKNOWN = 0.5  # chance of a guess, given that those before it are right, if nobody tells one


class BatchLoop:
    """Rows on their way; iterate once, for steps with the numbers of their rows.

    Args:
        starts: Make the rows; called one after another, each when its turn has come.
        packer: Runs the shared passes; None: rows are decoded one after another.
        config: How many rows are on their way at a time, and the width of shared passes.
        costs: Of shared passes, by the number of rows that share them.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        starts: Sequence[Callable[[], DecodeLoop]],
        *,
        packer: Packer | None,
        config: DecodingConfig,
        costs: Callable[[int], CostCurve],
        clock: Callable[[], float],
    ) -> None:
        self._waiting = deque(enumerate(starts))
        self._packer = packer
        self._max_rows = config.max_rows if packer is not None else 1
        self._width = config.batch_width
        self._costs = costs
        self._clock = clock
        self._rows: dict[int, DecodeLoop] = {}

    def __iter__(self) -> Iterator[tuple[int, Step]]:
        """Decode all rows to their ends."""
        try:
            while self._waiting or self._rows:
                while self._waiting and len(self._rows) < self._max_rows:
                    yield self._join()
                steps = self._steps()
                self._rows = {
                    number: loop for number, loop in self._rows.items() if not loop.is_finished
                }
                yield from steps
        finally:
            for loop in self._rows.values():
                loop.close()

    def _join(self) -> tuple[int, Step]:
        """The next row comes in, with its first token."""
        number, start = self._waiting.popleft()
        with _named(number):
            loop = start()
            try:
                step = loop.begin()
            except BaseException:
                loop.close()
                raise
        if not loop.is_finished:
            self._rows[number] = loop
        return number, step

    def _steps(self) -> list[tuple[int, Step]]:
        """One step of every row."""
        if len(self._rows) > 1:
            return self._shared_step()
        steps = []
        for number, loop in self._rows.items():
            with _named(number):
                steps.append((number, loop.step()))
        return steps

    def _shared_step(self) -> list[tuple[int, Step]]:
        assert self._packer is not None, "several rows need shared passes"
        begun = self._clock()
        most = max(0, self._width - len(self._rows))
        cost = self._costs(len(self._rows))
        wishes = [loop.propose(most) for loop in self._rows.values()]
        proposals = shared(wishes, most=most, cost=cost)
        drafted_at = self._clock()
        parts = [loop.part(own) for loop, own in zip(self._rows.values(), proposals, strict=True)]
        results = []
        for (number, loop), own, logits in zip(
            self._rows.items(), proposals, self._packer.logits(parts), strict=True
        ):
            with _named(number):
                results.append((number, loop, loop.walk(own, logits), own, logits))
        passed_at = self._clock()
        cost.observe(sum(len(part.token_ids) for part in parts), passed_at - drafted_at)
        seconds = passed_at - begun
        return [
            (number, loop.accept(accepted, own, logits, seconds, is_shared=True))
            for number, loop, accepted, own, logits in results
        ]


def shared(proposals: Sequence[Proposal], *, most: int, cost: CostCurve) -> list[Proposal]:
    """Of what all rows propose, the likeliest guesses: at most so many, and as many as pay.

    Where no drafter tells chances, the rows get equal shares of the most that there may be.
    """
    guesses = sorted(
        (-chance, node, row)
        for row, own in enumerate(proposals)
        for node, chance in enumerate(_chances(own))
    )[:most]
    if any(own.draft.chances for own in proposals):
        chances = [-negative for negative, _, _ in guesses]
        guesses = guesses[: cost.number_worth(chances, sequences=len(proposals))]
    kept: list[list[int]] = [[] for _ in proposals]
    for _, node, row in guesses:
        kept[row].append(node)
    return [_part(own, sorted(nodes)) for own, nodes in zip(proposals, kept, strict=True)]


def _chances(proposal: Proposal) -> list[float]:
    """Of each node with all above it; no node's is above its parent's."""
    draft = proposal.draft
    if not draft.chances:
        return [_UNKNOWN**depth for depth in draft.depths[1:]]
    chances: list[float] = []
    for chance, parent in zip(draft.chances, draft.parents, strict=True):
        chances.append(min(chance, chances[parent]) if parent >= 0 else chance)
    return chances


def _part(proposal: Proposal, nodes: Sequence[int]) -> Proposal:
    if len(nodes) == len(proposal.draft):
        return proposal
    return Proposal(
        draft=proposal.draft.only(nodes), makers=tuple(proposal.makers[node] for node in nodes)
    )


@contextmanager
def _named(number: int) -> Iterator[None]:
    """Errors say which row they came from."""
    try:
        yield
    except Exception as error:
        error.add_note(f"This was row {number} of the batch.")
        raise
