"""What an assistant says while it answers: four kinds of events, in this order.

`Retrieved` comes once and first; `Text` comes as often as the answer grows; `Cited` whenever a
copied span is final; `Done` once, last, with the whole answer. UI, CLI and everything else consume
only these. Concatenated `Text.text` is `Done.answer.text`, and the citations of all `Cited` are
those of `Done.answer` with origin "copied" (`matched` ones are found at the end and stand in `Done`
only).
"""

from dataclasses import dataclass, field

from quoth.types import Citation, Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPassage:
    """A passage that was handed to the model, as number `number` of the prompt (from 1)."""

    number: int
    passage: Passage
    score: float  # how well it fits the question; what that is, the search's mode says


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStats:
    """The numbers of one answer. Seconds are wall time."""

    prompt_tokens: int
    tokens: int  # new tokens, the final EOS included
    forward_passes: int  # prefill not counted
    drafted: int
    accepted: int
    copied_share: float  # characters of the answer that copied citations cover, 0 to 1
    retrieve_s: float
    prefill_s: float
    decode_s: float

    @property
    def tokens_per_pass(self) -> float:
        """New tokens per forward pass; plain decoding gives 1."""
        return self.tokens / self.forward_passes if self.forward_passes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished answer. `coverage` is the share of its characters that some source holds."""

    text: str
    citations: tuple[Citation, ...]  # by start; they do not overlap
    coverage: float
    passages: tuple[ScoredPassage, ...]
    stats: AnswerStats
    conversation_id: str
    turn_id: str
    notices: tuple[str, ...] = field(default=())  # what the user should know: a turn left out, ...
    is_cut_off: bool = False  # by the limit of its length


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The passages that the answer may draw on."""

    passages: tuple[ScoredPassage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """More of the answer: `text` begins at code point `start` of it."""

    start: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A copied span is final and was compared with its source."""

    citation: Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The whole answer."""

    answer: Answer


Event = Retrieved | Text | Cited | Done
