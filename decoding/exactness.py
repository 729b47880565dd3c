"""How one request's drafts are kept from changing its text.

*invariant*: verifying gives the bits of plain decoding, so nothing can change. *guarded*: it gives
the same but for rounding, and near-ties are decided the plain way (`quoth.decoding.guarding`).
*plain*: no drafts, because none are asked for or neither of the others holds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from quoth.decoding.drafting.none import NoDrafter
from quoth.decoding.drafting.protocol import Drafter
from quoth.decoding.guarding import MarginGuard
from quoth.decoding.models.support import Support
from quoth.decoding.request import Request
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.verify import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """What keeps drafts from changing a text, by name, and the guard if it takes one."""

    mode: Literal["invariant", "guarded", "plain"]
    guard: MarginGuard | None = None


def safety_of(
    support: Support,
    request: Request,
    drafters: Sequence[Drafter],
    new_verifier: Callable[[], Verifier | RereadingVerifier],
) -> Safety:
    """The fastest way that cannot change a token of this request."""
    if all(isinstance(drafter, NoDrafter) for drafter in drafters):
        return Safety(mode="plain")
    if support.is_row_invariant:
        return Safety(mode="invariant")
    if not _is_guardable(request):
        return Safety(mode="plain")
    noise = support.noise * _amplification(request)
    guard = MarginGuard(request.prompt_ids, noise=noise, new_verifier=new_verifier)
    return Safety(mode="guarded", guard=guard)


def _is_guardable(request: Request) -> bool:
    """Whether the choice of a token depends on nothing but which score is best.

    Sampling has more borders than that between the best two, and what a caller's logits processor
    makes of rounding is not known.
    """
    return request.sampling.is_greedy and request.logits_processor is None


def _amplification(request: Request) -> float:
    """By how much penalties can enlarge a difference of logits."""
    factor = request.penalties.repetition_penalty
    return max(factor, 1 / factor)
