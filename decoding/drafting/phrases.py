"""The phrases drafter: continue the text as the user's other texts have continued.

It reaches where a copy from a passage ends: common phrases, and documents that are not in the
prompt. What follows the last 4 tokens is mixed with what follows the last 3, and so on down to one
(Witten and Bell's interpolation, 1991): the longer context counts the more, the more often and the
more uniformly it was continued. The likeliest tokens are continued in turn, so a draft is a tree.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, ROOT, Draft
from quoth.decoding.drafting.context_keys import ORDERS
from quoth.decoding.drafting.phrase_store import COUNT_BITS, MAX_COUNT, REST, PhraseStore
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens

Context = tuple[int, ...]  # the last token first
Candidate = tuple[float, int, int, Context]  # minus its chance, parent, token, context before it

_NOVELTY = 3.0  # of a context: so many unseen continuations are reckoned with per seen one
_ENOUGH = 0.04  # what shorter contexts may still say is not worth looking up
_WORTH_TAKING = 0.04  # chances: below, no pass is worth the row, and looking up costs time, too
_WORTH_EXTENDING = 0.1
_MOST_KNOWN = 512  # contexts whose continuations a session remembers: drafts repeat themselves


class PhrasesDrafter:
    """Continues with phrases of one store; it serves any number of sequences."""

    name = "phrases"

    def __init__(self, store: PhraseStore, config: DecodingConfig | None = None) -> None:
        self._store = store
        self._config = config or DecodingConfig()

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002
    ) -> "PhrasesSession":
        """Continue a sequence; references are for others to copy from."""
        return PhrasesSession(self._store, prompt, self._config)


class PhrasesSession:
    """The end of one sequence, and the continuations of it that were looked up."""

    def __init__(self, store: PhraseStore, prompt: Sequence[int], config: DecodingConfig) -> None:
        self._store = store
        self._config = config
        self._context: Context = tuple(reversed(prompt[-ORDERS:]))
        self._known: dict[Context, list[tuple[int, float]]] = {}

    def propose(self, budget: int) -> Draft:
        """The likeliest continuations, as far as they are worth their rows."""
        config = self._config
        budget = min(budget, config.max_draft_tokens)
        nodes: list[Candidate] = []
        waiting = self._candidates(ROOT, self._context, 1.0)
        heapify(waiting)
        while waiting and len(nodes) < budget:
            best = heappop(waiting)
            chance = -best[0]
            if (
                chance < max(config.min_survival, _WORTH_TAKING)
                and len(nodes) >= config.min_rows - 1
            ):
                break
            if not config.forks:
                waiting.clear()
            nodes.append(best)
            if chance >= _WORTH_EXTENDING and len(nodes) < budget:
                _, _, token, context = best
                longer = (token, *context)[:ORDERS]
                for candidate in self._candidates(len(nodes) - 1, longer, chance):
                    heappush(waiting, candidate)
        return _draft(nodes) if nodes else NO_DRAFT

    def observe(self, outcome: Outcome) -> None:
        """Let the text grow."""
        self._context = (*reversed(outcome.token_ids[-ORDERS:]), *self._context)[:ORDERS]

    def _candidates(self, parent: int, context: Context, alive: float) -> list[Candidate]:
        """What may follow a node that is right with the chance `alive`."""
        known = self._known.get(context)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[context] = continuations(self._store, context)
        return [(-alive * chance, parent, token, context) for token, chance in known]


def _draft(nodes: Sequence[Candidate]) -> Draft:
    chances, parents, tokens, _ = zip(*nodes, strict=True)
    return Draft(
        tokens=tokens,
        parents=parents,
        origins=(None,) * len(tokens),
        chances=tuple(-chance for chance in chances),
    )


def continuations(store: PhraseStore, context: Context) -> list[tuple[int, float]]:
    """What may come after a context, each token with its chance."""
    chances: dict[int, float] = {}
    left = 1.0
    for packed in reversed(store.following(context)):
        counts = [number & MAX_COUNT for number in packed]
        believed = left / (sum(counts) + _NOVELTY * len(counts))
        left = _NOVELTY * len(counts) * believed
        for number, times in zip(packed, counts, strict=True):
            token = number >> COUNT_BITS
            chances[token] = chances.get(token, 0.0) + believed * times
        if left < _ENOUGH:
            break
    chances.pop(REST, None)
    return list(chances.items())
