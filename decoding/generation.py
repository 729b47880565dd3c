"""What goes into a generation and what comes out: values only, standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from quoth.decoding.stats import Stats

FinishReason = Literal["eos", "stop", "length"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A copy source: the tokens of a passage or a turn, under a name of the caller's choice."""

    id: str
    token_ids: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedSpan:
    """Consecutive output tokens that stand at consecutive positions of one reference.

    `token_ids[start:end]` of the output equals `token_ids[reference_start:][:end - start]` of the
    reference. At least one token of it was drafted from a reference and confirmed by the model. It
    is maximal: it takes in the tokens before it by which the place was found, and the model's own
    tokens after it for as long as they go on as the reference does. Where they go on as another
    place does that holds the whole span, it is that place.
    """

    start: int
    end: int
    reference_id: str
    reference_start: int
    drafter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """How likely the model found a token that was taken, and the likeliest others with it.

    Natural logarithms of the model's own distribution: before penalties, bad words, logits
    processors, temperature and truncation. `top` are (token id, log-probability) of the most likely
    tokens, best first, as many as were asked for; the token itself is among them if it is that
    likely.
    """

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of the decoder made final.

    `text` is the newly finished text: never half a character, and nothing that could still become a
    stop string. `copied` are the spans that ended. `finish_reason` is None until the last step.
    `stats` are the totals so far. `logprobs` has a value for each token; None if not asked for.
    """

    token_ids: tuple[int, ...]
    copied: tuple[CopiedSpan, ...]
    text: str
    finish_reason: FinishReason | None
    stats: Stats
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A finished generation.

    `token_ids` are the new tokens, the final EOS and the tokens of a stop string included; `text`
    leaves both out, and is empty where the decoder has no tokenizer. `logprobs` has a value for
    each token, and is None if not asked for.
    """

    token_ids: tuple[int, ...]
    text: str
    copied: tuple[CopiedSpan, ...]
    finish_reason: FinishReason
    stats: Stats
    logprobs: tuple[TokenLogprob, ...] | None = None

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Self:
        """The whole that all steps of a text make."""
        last = steps[-1]
        assert last.finish_reason is not None, "a loop ends with a reason"
        logprobs = tuple(each for step in steps for each in step.logprobs or ())
        return cls(
            token_ids=tuple(token for step in steps for token in step.token_ids),
            text="".join(step.text for step in steps),
            copied=tuple(span for step in steps for span in step.copied),
            finish_reason=last.finish_reason,
            stats=last.stats,
            logprobs=logprobs if last.logprobs is not None else None,
        )
