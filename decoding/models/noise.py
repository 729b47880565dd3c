"""By how much logits of verified drafts differ from those of plain passes, tried on a few tokens.

0 means equal bits. The trial is short, so a difference above 0 is taken to be at least what a
number of the model's kind is rounded by.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.verify import Verifier

_PLAIN_PASSES = 2  # compared with a wide one; they are what the trial costs
_TREE = (-1, 0, 1, -1, 3)  # parents: two branches
_TREE_CONTEXT = 60  # tokens before it; sums over a few keys round alike
_REREAD_PROMPT, _REREAD = 5, 3  # tokens: read at once, and drafted
_ROUNDINGS = 4  # of the largest logit: the least that a difference is taken for
_WRONG, _WRONG_IN_HALF = 1e-2, 0.2  # of the logits' range: no rounding any more


def row_noise(
    model: PreTrainedModel, config: DecodingConfig, text: Sequence[int], window: int
) -> float:
    """By how much a wide pass differs from plain ones in its last rows.

    The last rows, because kernels treat the end of their work differently.
    """
    verifier = Verifier(model, config, window=window)
    verifier.prefill(text[:1])
    wide = verifier.verify(text[1], Draft.chain(text[2 : 2 + verifier.room]))
    end = 1 + len(wide)
    begin = max(1, end - _PLAIN_PASSES)
    rows = []
    for position in range(begin, end):
        verifier.keep(position)
        rows.append(verifier.verify(text[position], NO_DRAFT)[0])
    return _difference(torch.stack(rows), wide[begin - 1 :], model.dtype)


def reread_noise(
    new_verifier: Callable[[], Verifier | RereadingVerifier], text: Sequence[int]
) -> float:
    """By how much a pass over several tokens differs from passes over one each."""
    prompt, last, *coming = text[:_REREAD_PROMPT], *text[_REREAD_PROMPT:]
    coming = coming[:_REREAD]
    wide, plain = new_verifier(), new_verifier()
    wide.prefill(prompt)
    plain.prefill(prompt)
    together = wide.verify(last, Draft.chain(coming))
    rows = []
    for number, token in enumerate((last, *coming), start=len(prompt) + 1):
        rows.append(plain.verify(token, NO_DRAFT)[0])
        plain.keep(number)
    return _difference(torch.stack(rows), together, torch.float32) or 1e-6


def fork_noise_of(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> float | None:
    """By how much the second branch of a draft differs from plain passes; None: it is wrong.

    None too for a model that cannot read forked drafts at all, since it takes no mask of its own.
    """
    length = min(_TREE_CONTEXT, window - 2 * len(_TREE))
    if config.key_block:  # the draft must not reach over a border
        length -= max(0, length % config.key_block + len(_TREE) + 1 - config.key_block)
    text = [(11 * index + 5) % vocabulary_size for index in range(length + len(_TREE))]
    verifier = Verifier(model, config, window=window)
    if length < 1 or not verifier.takes_trees:
        return None
    verifier.prefill(text[:length])
    if verifier.room < len(_TREE):
        return None
    try:
        branch, plain = _branch_and_plain(verifier, text, length)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
        return None
    spread = float(plain.max() - plain.min())
    noise = _difference(branch, plain, model.dtype)
    wrong = _WRONG if model.dtype in (torch.float32, torch.float64) else _WRONG_IN_HALF
    return noise if noise <= wrong * spread else None


def _branch_and_plain(
    verifier: Verifier, text: Sequence[int], length: int
) -> tuple[Tensor, Tensor]:
    """The logits of the text's next tokens behind a wrong branch, and one by one."""
    last, *right = text[length : length + 3]
    draft = Draft(tokens=(*text[:3], *right), parents=_TREE, origins=(None,) * len(_TREE))
    branch = [*verifier.verify(last, draft)[-2:]]
    verifier.keep(length + 1, nodes=(3, 4))
    branch.append(verifier.verify(text[length + 3], NO_DRAFT)[0])
    verifier.keep(length)
    verifier.verify(last, NO_DRAFT)
    verifier.keep(length + 1)
    plain = []
    for position in range(length + 1, length + 4):
        plain.append(verifier.verify(text[position], NO_DRAFT)[0])
        verifier.keep(position + 1)
    return torch.stack(branch), torch.stack(plain)


def _difference(one: Tensor, other: Tensor, dtype: torch.dtype) -> float:
    """The largest one, at least some roundings; 0 if every bit is equal."""
    differing = float((one - other).abs().nan_to_num().max())
    if not differing:
        return 0.0
    rounding = torch.finfo(dtype).eps * float(other.abs().nan_to_num(posinf=0.0, neginf=0.0).max())
    return max(differing, _ROUNDINGS * rounding)
