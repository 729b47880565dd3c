"""What the model is shown: an example, and its tokens with loss weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.decoding.training.prompts import REFUSAL, question_message, quoting_answer
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from quoth.decoding.training.sentences import Range

IGNORED = -1
"""Relevance label of tokens that stand in no passage."""

_FIRST_WEIGHTS = (4.0, 4.0, 2.0, 2.0)
_REPEAT_WEIGHT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question over numbered passages; ``gold`` is None where no passage answers it."""

    question: str
    passages: tuple[str, ...]
    gold: int | None
    quote: Range = (0, 0)
    answers: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.gold is not None and not 0 <= self.gold < len(self.passages):
            raise ValueError(f"gold passage {self.gold} of {len(self.passages)}")

    @property
    def answer(self) -> str:
        """What the model should say."""
        if self.gold is None:
            return REFUSAL
        start, end = self.quote
        return quoting_answer(self.gold + 1, self.passages[self.gold][start:end])

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation up to the answer, as a chat template takes it."""
        turns = [
            {"role": role, "content": content}
            for question, answer in self.history
            for role, content in (("user", question), ("assistant", answer))
        ]
        content = question_message(self.question, self.passages)
        return [*turns, {"role": "user", "content": content}]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedExample:
    """Token ids; the loss weight of each token as a target; passage tokens' relevance labels."""

    token_ids: list[int]
    weights: list[float]
    relevance: list[int]


def render_prompt(example: Example) -> str:
    """The prompt as the chat template renders it, generation prompt included (a test compares)."""
    roles = {"user": USER, "assistant": ASSISTANT}
    turns = [f"{roles[turn['role']]}{turn['content']}{END}" for turn in example.messages]
    return "".join([*turns, ASSISTANT])


def encode(example: Example, tokenizer: PreTrainedTokenizerFast) -> EncodedExample:
    """Tokens of prompt and answer; the answer's first tokens, which select, weigh most."""
    prompt = render_prompt(example)
    encoded = tokenizer(prompt, return_offsets_mapping=True, add_special_tokens=False)
    prompt_ids: list[int] = encoded["input_ids"]
    answer_ids: list[int] = tokenizer(example.answer + END, add_special_tokens=False)["input_ids"]
    repeat_start = prompt.rindex("\n\nQuestion: ") + len("\n\nQuestion:")
    weights = [
        _REPEAT_WEIGHT if start >= repeat_start else 0.0 for start, _ in encoded["offset_mapping"]
    ]
    weights += [*_FIRST_WEIGHTS, *[1.0] * len(answer_ids)][: len(answer_ids)]
    relevance = _relevance(example, prompt, encoded["offset_mapping"])
    return EncodedExample(
        token_ids=prompt_ids + answer_ids,
        weights=weights,
        relevance=relevance + [IGNORED] * len(answer_ids),
    )


def _relevance(example: Example, prompt: str, offsets: Sequence[Range]) -> list[int]:
    """1 for tokens of the quoted sentence, 0 for other passage tokens, IGNORED elsewhere."""
    spans, cursor = [], prompt.rindex(f"{USER}Question: ")
    for number, passage in enumerate(example.passages, start=1):
        cursor = prompt.index(f"\n\n[{number}] {passage}", cursor) + len(f"\n\n[{number}] ")
        spans.append((cursor, cursor + len(passage)))
        cursor += len(passage)
    quote_start, quote_end = 0, 0
    if example.gold is not None:
        base = spans[example.gold][0]
        quote_start, quote_end = base + example.quote[0], base + example.quote[1]
    labels, current = [], 0
    for start, end in offsets:
        while current < len(spans) and start >= spans[current][1]:
            current += 1
        if current == len(spans) or end <= spans[current][0]:
            labels.append(IGNORED)
        else:
            labels.append(int(start < quote_end and end > quote_start))
    return labels
