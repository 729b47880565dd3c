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
from quoth.decoding.expert_rows import has_experts, has_plain_experts
from quoth.decoding.models.failures import MODEL_FAILURES
from quoth.decoding.models.tails import TailWatch
from quoth.decoding.packing import Packer
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.verify import Verifier

_PLAIN_PASSES = 2  # compared with a wide one; they are what the trial costs
_TREE = (-1, 0, 1, -1, 3)  # parents: two branches
_TREE_CONTEXT = 60  # tokens before it; sums over a few keys round alike
_REREAD_PROMPT, _REREAD = 5, 3  # tokens: read at once, and drafted
_ALIKE_ROWS = 4  # and their multiples: matrix kernels treat each row alike (docs/log.md)
_INNER_WIDTHS = (
    *("intermediate_size", "n_inner", "d_inner", "ffn_hidden_size", "feed_forward_size"),
    *("ffn_dim", "decoder_ffn_dim", "d_ff", "dff", "dim_ff"),
)
_VECTORS = 64  # elements: four rows of them fill the widest vectors
_ROUNDINGS = 4  # of the largest logit: the least that a difference is taken for


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
    with TailWatch(config.min_rows) as watch:
        for position in range(begin, end):
            verifier.keep(position)
            rows.append(verifier.verify(text[position], NO_DRAFT)[0])
    plain = torch.stack(rows)
    differing = _difference(plain, wide[begin - 1 :], model.dtype)
    if not differing and (watch.saw_tails or _is_known_to_differ(model, config, verifier)):
        return _rounding(plain, model.dtype)
    return differing


def _is_known_to_differ(model: PreTrainedModel, config: DecodingConfig, verifier: Verifier) -> bool:
    """Whether longer trials of such models found other bits than this one can (docs/log.md).

    Passes of fewer than four rows; layers without key blocks, whose keys end elsewhere in every
    pass once the text is longer than their window; experts in code of their own, which get other
    numbers of rows; in float32, inner widths at which elementwise functions do not fill their
    vectors (`TailWatch` sees those of other parts and precisions).
    """
    settings = model.config.get_text_config(decoder=True)
    if config.min_rows % _ALIKE_ROWS or not verifier.goes_back:
        return True
    if has_experts(model) and not has_plain_experts(model):
        return True
    widths = [getattr(settings, name, None) for name in _INNER_WIDTHS]
    is_uneven = any(isinstance(width, int) and width % _VECTORS for width in widths)
    return model.dtype == torch.float32 and is_uneven


def reread_noise(
    new_verifier: Callable[[], Verifier | RereadingVerifier],
    text: Sequence[int],
    dtype: torch.dtype,
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
    plain_rows = torch.stack(rows)
    return _difference(plain_rows, together, dtype) or _rounding(plain_rows, dtype)


def forks_exactly(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> bool:
    """Whether the second branch of a draft gets the bits of plain passes, and its keys stay."""
    length = min(_TREE_CONTEXT, window - 2 * len(_TREE))
    if config.key_block:  # the draft must not reach over a border
        length -= max(0, length % config.key_block + len(_TREE) + 1 - config.key_block)
    text = [(11 * index + 5) % vocabulary_size for index in range(length + len(_TREE))]
    try:
        packer = Packer(model, min_rows=config.min_rows)
        verifier = Verifier(model, config, window=window, packer=packer)
        if length < 1 or not verifier.takes_trees:
            return False
        verifier.prefill(text[:length])
        if verifier.room < len(_TREE):
            return False
        return torch.equal(*_branch_and_plain(verifier, text, length))
    except MODEL_FAILURES:
        return False


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
    return max(differing, _rounding(other, dtype))


def _rounding(logits: Tensor, dtype: torch.dtype) -> float:
    """Some roundings of the largest one."""
    largest = float(logits.abs().nan_to_num(posinf=0.0, neginf=0.0).max())
    return _ROUNDINGS * torch.finfo(dtype).eps * max(largest, 1e-6)
