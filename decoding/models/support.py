"""Can this model be decoded with, and how? Tried once, when a decoder is made, on a few tokens.

A model is believed only if steps with a roll-back between them give the logits of one pass over the
whole text. The ways are tried from the fastest to the plainest: keys in blocks; keys as
transformers lays them out; states that are put back; one token per pass; no memory at all.
The same trial shows whether a row's logits depend on the rows beside it.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Literal

import torch
from transformers import PreTrainedModel

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.models.trial import TEXT_LENGTH, one_pass, own_steps, problem_of, whole_logits
from quoth.decoding.rereading import Memory, RereadingVerifier
from quoth.decoding.verify import Verifier
from quoth.errors import UnsupportedModelError

logger = logging.getLogger(__name__)

_PLAIN_PASSES = 2  # compared with a pass over the whole text; they are what the trial costs
_TREE = (-1, 0, 1, -1, 3)  # parents: two branches
_TREE_CONTEXT = 60  # tokens before it; sums over a few keys round alike
_FORKING_TYPES = (torch.bfloat16,)  # float16 passes the trial and differs later: docs/log.md
_UNFIT = (  # what a model's own code raises when it is called in a way that it was not made for
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    UnsupportedModelError,
)
_WHOLE = 2**31 - 1  # tokens: a prompt is read at once
_MEMORIES_UNKNOWN = ("mems", "past_buckets_states")  # of classes that cannot do without


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a model is decoded with.

    `is_row_invariant` says that a wider pass gave the bits of plain passes at every position of the
    trial. It was tried on a few tokens and one width: evidence, and no proof. The configuration
    allows forks only if a second branch gave the logits of plain passes too: with attention that
    counts places in the cache (ALiBi) they are wrong, in float32 most are rounded otherwise.
    """

    config: DecodingConfig
    is_row_invariant: bool
    memory: Memory | Literal["keys"] = "keys"

    @property
    def drafts(self) -> bool:
        """Whether drafts can be verified at all; else decoding is plain."""
        return self.config.max_draft_tokens > 0

    def new_verifier(self, model: PreTrainedModel, *, window: int) -> Verifier | RereadingVerifier:
        """For one sequence."""
        if self.memory == "keys":
            return Verifier(model, self.config, window=window)
        return RereadingVerifier(model, self.config, window=window, memory=self.memory)


def model_support(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> Support:
    """The first way of decoding that gives the model's own logits, and what it gives.

    Warns where plain and wider passes differ: nearly equal scores may then be decided differently.

    Raises:
        UnsupportedModelError: No way does, or the model needs more than a text.
    """
    text = [(7 * index + 3) % vocabulary_size for index in range(min(TEXT_LENGTH, window))]
    problem = _unfit_inputs(model, text)
    if problem:
        raise _unsupported(model, problem)
    for support in _ways(model, config):
        failure = _failure(model, support, text, window)
        if not failure:
            return _measured(model, support, text, window=window, vocabulary_size=vocabulary_size)
        problem = problem or failure
    raise _unsupported(model, _sees_ahead(model, text, window) or problem)


def _ways(model: PreTrainedModel, config: DecodingConfig) -> Iterator[Support]:
    """How a model may be decoded with, best first."""
    yield Support(config=config, is_row_invariant=False)
    if config.key_block:
        yield Support(config=replace(config, key_block=0), is_row_invariant=False)
    exact = replace(config, min_rows=1, key_block=0, forks=False)
    single = replace(exact, max_draft_tokens=0, prefill_chunk=_WHOLE)
    memories: tuple[Memory, ...] = ("states", "own states")
    for rows in (exact, single):
        for memory in memories:
            yield Support(config=rows, is_row_invariant=False, memory=memory)
    if not any(name in signature(model.forward).parameters for name in _MEMORIES_UNKNOWN):
        yield Support(config=exact, is_row_invariant=False, memory="text")


def _failure(model: PreTrainedModel, support: Support, text: Sequence[int], window: int) -> str:
    """Why a way does not do; empty if it does."""
    try:
        if support.memory == "keys" or support.drafts:
            yardstick = one_pass(model, text, window=window)
        else:
            yardstick = own_steps(model, text)
        return problem_of(model, lambda: support.new_verifier(model, window=window), yardstick)
    except _UNFIT as error:
        return first_line(error)


def _measured(
    model: PreTrainedModel,
    support: Support,
    text: Sequence[int],
    *,
    window: int,
    vocabulary_size: int,
) -> Support:
    """The same way, with what its bits allow."""
    if support.memory != "keys":
        return replace(support, is_row_invariant=not support.drafts)
    layout = support.config
    noise = _row_noise(model, layout, text, window)
    forks = layout.forks and not noise and model.dtype in _FORKING_TYPES
    if forks:
        forks = _forks_well(model, layout, window=window, vocabulary_size=vocabulary_size)
    return replace(support, config=replace(layout, forks=forks), is_row_invariant=not noise)


def _unfit_inputs(model: PreTrainedModel, text: Sequence[int]) -> str:
    """What the model reads besides the tokens of one text; empty if nothing."""
    if model.config.is_encoder_decoder:
        return "it is an encoder-decoder, which answers to a source text of its own"
    prepare = getattr(model, "prepare_inputs_for_generation", None)
    if prepare is None:
        return ""
    given = torch.tensor([list(text)], device=model.device)
    try:
        fed = prepare(given, is_first_iteration=True, use_cache=True).get("input_ids")
    except _UNFIT as error:
        return f"its inputs cannot be prepared ({first_line(error)})"
    if not isinstance(fed, torch.Tensor) or not torch.equal(fed, given):
        return "its generate() reads other tokens than those of the text"
    return ""


def _sees_ahead(model: PreTrainedModel, text: Sequence[int], window: int) -> str:
    """Whether the logits of a text change with what follows it, and what to do; empty if not."""
    try:
        half = whole_logits(model, text[: len(text) // 2], window=window)
        whole = whole_logits(model, text, window=window)[: len(half)]
    except _UNFIT:
        return ""
    if half.shape == whole.shape and torch.allclose(half, whole, rtol=1e-2, atol=1e-2):
        return ""
    return (
        "a token's logits change with the tokens after it (a model of this kind may need "
        "is_decoder=True in its configuration)"
    )


def _unsupported(model: PreTrainedModel, problem: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"The model type {model.config.model_type!r} cannot be decoded with: {problem}. Choose a "
        f"causal language model that reads text alone, such as Llama, Qwen or Mamba."
    )


def first_line(error: Exception) -> str:
    """Its kind and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.') if lines else ''}"


def _row_noise(
    model: PreTrainedModel, config: DecodingConfig, text: Sequence[int], window: int
) -> float:
    """By how much a wide pass differs from plain ones in its last rows; warns if it does.

    The last rows, because kernels treat the end of their work differently.
    """
    verifier = Verifier(model, config, window=window)
    verifier.prefill(text[:1])
    wide = verifier.verify(text[1], Draft.chain(text[2 : 2 + verifier.room]))
    end = 1 + len(wide)
    differing = 0.0
    for position in range(max(1, end - _PLAIN_PASSES), end):
        verifier.keep(position)
        plain = verifier.verify(text[position], NO_DRAFT)[0]
        differing = max(differing, float((plain - wide[position - 1]).abs().max()))
    if differing:
        logger.warning(
            "The model type %r in %s on %s computes a row of logits differently beside other rows "
            "(by up to %.2g). Where two scores are that close, an answer may differ from plain "
            "decoding; use drafting='none' where that matters.",
            model.config.model_type,
            str(model.dtype).removeprefix("torch."),
            model.device,
            differing,
        )
    return differing


def _forks_well(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> bool:
    """Whether the second branch of a draft gets the bits of plain passes, and its keys stay.

    A model that cannot read forked drafts at all, since it takes no mask of its own, does not.
    """
    length = min(_TREE_CONTEXT, window - 2 * len(_TREE))
    text = [(11 * index + 5) % vocabulary_size for index in range(length + len(_TREE))]
    verifier = Verifier(model, config, window=window)
    if length < 1 or not verifier.takes_trees:
        return False
    verifier.prefill(text[:length])
    if verifier.room < len(_TREE):
        return False
    try:
        return _branch_equals_plain(verifier, text, length)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
        return False


def _branch_equals_plain(verifier: Verifier, text: Sequence[int], length: int) -> bool:
    """Whether the text's next tokens get equal logits behind a wrong branch and one by one."""
    last, *right = text[length : length + 3]
    draft = Draft(tokens=(*text[:3], *right), parents=_TREE, origins=(None,) * len(_TREE))
    rows = [*verifier.verify(last, draft)[-2:]]
    verifier.keep(length + 1, nodes=(3, 4))
    rows.append(verifier.verify(text[length + 3], NO_DRAFT)[0])
    verifier.keep(length)
    verifier.verify(last, NO_DRAFT)
    verifier.keep(length + 1)
    for position, row in zip(range(length + 1, length + 4), rows, strict=True):
        if not torch.equal(verifier.verify(text[position], NO_DRAFT)[0], row):
            return False
        verifier.keep(position + 1)
    return True
