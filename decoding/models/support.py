"""Can this model be decoded with, and how? Tried once, when a decoder is made, on a few tokens.

A model is believed only if steps with a roll-back between them give the logits of one pass over the
whole text. The ways are tried from the fastest to the plainest: keys in blocks; keys as
transformers lays them out; states that are put back; one token per pass; no memory at all.
Then it is measured whether a row's logits depend on the rows beside it (`noise`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Literal

import torch
from transformers import PreTrainedModel

from quoth.decoding.config import DecodingConfig
from quoth.decoding.models.failures import MODEL_FAILURES
from quoth.decoding.models.noise import forks_exactly, reread_noise, row_noise
from quoth.decoding.models.trial import (
    TEXT_LENGTH,
    one_pass,
    own_steps,
    problem_of,
    sees_ahead,
)
from quoth.decoding.packing import Packer
from quoth.decoding.rereading import Memory, RereadingVerifier
from quoth.decoding.verify import Verifier
from quoth.errors import UnsupportedModelError

_WHOLE = 2**31 - 1  # tokens: a prompt is read at once
_MEMORIES_UNKNOWN = ("mems", "past_buckets_states")  # of classes that cannot do without


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a model is decoded with.

    `is_row_invariant` says that a wider pass gave the bits of plain passes at every position of the
    trial. It was tried on a few tokens and two widths: evidence, and no proof. `noise` is by how
    much they differed. The configuration allows forks only if a second branch gave the bits of
    plain passes too.
    """

    config: DecodingConfig
    is_row_invariant: bool
    noise: float = 0.0
    memory: Memory | Literal["keys"] = "keys"
    border: int | None = None

    @property
    def drafts(self) -> bool:
        """Whether drafts can be verified at all; else decoding is plain."""
        return self.config.max_draft_tokens > 0

    def new_verifier(self, model: PreTrainedModel, *, window: int) -> Verifier | RereadingVerifier:
        """For one sequence."""
        if self.memory == "keys":
            # Made anew, so that it knows what the model is made of now.
            packer = Packer(model, min_rows=self.config.min_rows) if self.config.forks else None
            return Verifier(model, self.config, window=window, packer=packer)
        return RereadingVerifier(model, self.config, window=window, memory=self.memory)


def model_support(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> Support:
    """The first way of decoding that gives the model's own logits, and what it gives.

    Raises:
        UnsupportedModelError: No way does, or the model needs more than a text.
    """
    text = [(7 * index + 3) % vocabulary_size for index in range(min(TEXT_LENGTH, window))]
    problem = _unfit_inputs(model, text)
    if problem:
        raise _unsupported(model, problem)
    for support in _ways(config):
        failure = _failure(model, support, text, window)
        if not failure:
            return _measured(model, support, text, window=window, vocabulary_size=vocabulary_size)
        problem = problem or failure
    raise _unsupported(model, _causality_problem(model, text, window) or problem)


def _ways(config: DecodingConfig) -> Iterator[Support]:
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
    yield Support(config=exact, is_row_invariant=False, memory="text")


def _failure(model: PreTrainedModel, support: Support, text: Sequence[int], window: int) -> str:
    """Why a way does not do; empty if it does."""
    try:
        if support.memory == "keys" or support.drafts:
            yardstick = one_pass(model, text, window=window)
        else:
            yardstick = own_steps(model, text)
        return problem_of(model, lambda: support.new_verifier(model, window=window), yardstick)
    except MODEL_FAILURES as error:
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
    layout = support.config
    if not support.drafts:
        return replace(support, is_row_invariant=True)
    if support.memory != "keys":
        noise = reread_noise(lambda: support.new_verifier(model, window=window), text, model.dtype)
        return replace(support, noise=noise)
    noise = row_noise(model, layout, text, window)
    forks = layout.forks and not noise
    if forks:
        forks = forks_exactly(model, layout, window=window, vocabulary_size=vocabulary_size)
    return replace(
        support,
        config=replace(layout, forks=forks),
        is_row_invariant=not noise,
        noise=noise,
    )


def _unfit_inputs(model: PreTrainedModel, text: Sequence[int]) -> str:
    """What the model reads besides the tokens of one text; empty if nothing."""
    if model.config.is_encoder_decoder:
        return "it is an encoder-decoder, which answers to a source text of its own"
    unknown = [name for name in _MEMORIES_UNKNOWN if name in signature(model.forward).parameters]
    if unknown:
        return f"its memory ({unknown[0]}) is of a kind that cannot be put back"
    prepare = getattr(model, "prepare_inputs_for_generation", None)
    if prepare is None:
        return ""
    given = torch.tensor([list(text)], device=model.device)
    try:
        fed = prepare(given, is_first_iteration=True, use_cache=True).get("input_ids")
    except MODEL_FAILURES as error:
        return f"its inputs cannot be prepared ({first_line(error)})"
    if not isinstance(fed, torch.Tensor) or not torch.equal(fed, given):
        return "its generate() reads other tokens than those of the text"
    return ""


def _causality_problem(model: PreTrainedModel, text: Sequence[int], window: int) -> str:
    """What to do if the model's attention is not causal; empty if it is."""
    try:
        if not sees_ahead(model, text, window=window):
            return ""
    except MODEL_FAILURES:
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
