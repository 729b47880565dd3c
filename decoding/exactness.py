"""How one request's drafts are kept from changing its text: which mode, and what it allows.

*invariant*: verifying gives the bits of plain decoding, so nothing can change. *guarded*: it gives
the same but for rounding, and near-ties are decided the plain way (`quoth.decoding.guarding`).
*plain*: no drafts, where neither holds.
"""

from dataclasses import dataclass

from quoth.decoding.guarding import Mode
from quoth.decoding.models.support import Support
from quoth.decoding.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """The mode of one request.

    `noise` is by how much a logit of a verified draft may differ from that of plain decoding, as
    far as was measured; 0 unless guarded.
    """

    mode: Mode
    noise: float = 0.0


def exactness(support: Support, request: Request) -> Exactness:
    """The fastest way that cannot change a token of this request."""
    if support.is_row_invariant:
        return Exactness(mode="invariant")
    if _is_guardable(request):
        return Exactness(mode="guarded", noise=support.noise * _amplification(request))
    return Exactness(mode="plain")


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
