"""How one request's drafts are kept from changing its text: which mode, and what it allows.

*invariant*: verifying gives the bits of plain decoding, so nothing can change. *guarded*: it gives
the same but for rounding, and near-ties are decided the plain way (`quoth.decoding.guarding`).
*plain*: no drafts, where neither holds.
"""

from dataclasses import dataclass, replace

from quoth.decoding.config import DecodingConfig
from quoth.decoding.guarding import Mode
from quoth.decoding.models.support import Support
from quoth.decoding.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """The mode of one request; `config` with what it allows.

    `noise` is by how much a logit of a verified draft may differ from that of plain decoding, as
    far as was measured; 0 unless guarded.
    """

    mode: Mode
    config: DecodingConfig
    noise: float = 0.0


def exactness(support: Support, request: Request) -> Exactness:
    """The fastest way that cannot change a token of this request."""
    forked = replace(support.config, forks=True)
    if support.is_row_invariant and (support.config.forks or support.fork_noise is None):
        return Exactness(mode="invariant", config=support.config)
    if _is_guardable(request):
        noise = max(support.noise, support.fork_noise or 0.0) * _amplification(request)
        config = support.config if support.fork_noise is None else forked
        return Exactness(mode="guarded", config=config, noise=noise)
    if support.is_row_invariant:
        return Exactness(mode="invariant", config=support.config)
    return Exactness(mode="plain", config=support.config)


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
