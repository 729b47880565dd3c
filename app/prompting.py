"""Passages, turns and a question become token ids, and every source is found again in them.

The prompt is rendered by the model's own chat template. What users and documents wrote is tokenised
apart from the template, with special tokens switched off, so that a document which contains
`<|im_end|>` contains those characters and nothing more. Because each source is located in the
prompt's own tokens, a copied token leads back to characters of its passage.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from quoth.app.tokenizing import ChatTokenizer, render
from quoth.decoding import Reference
from quoth.types import Passage, Turn

INSTRUCTION = (
    "Answer the question from the numbered passages. Quote their words exactly where you can, and "
    "put the passage's number in brackets, like [1], before what you take from it. If the passages "
    "do not answer the question, write exactly: {refusal}"
)
REFUSAL = "The documents do not answer this question."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the prompt, and where the sources lie in its text."""

    role: str
    content: str
    sources: tuple["Located", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A source's text at `[start, end)` of a message's content."""

    source_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSource:
    """A source in the prompt's own tokens.

    `char_ranges[i]` is what token `token_ids[i]` covers of the source's text; a token that begins
    in the template (a leading space, say) is clipped to the source.
    """

    source_id: str
    token_ids: tuple[int, ...]
    char_ranges: tuple[tuple[int, int], ...]

    @property
    def reference(self) -> Reference:
        """The same as the decoder's copy source."""
        return Reference(id=self.source_id, token_ids=self.token_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The rendered prompt: token ids, and its sources in the order of their rank."""

    token_ids: tuple[int, ...]
    sources: tuple[PromptSource, ...]


def compose(question: str, passages: Sequence[Passage], turns: Sequence[Turn]) -> list[Message]:
    """The messages: an instruction, earlier turns, and the passages between the question twice.

    The question stands before the passages as well, so that a causal model can read them with the
    question in mind; it costs a few tokens and helps small models most.
    """
    system = Message(role="system", content=INSTRUCTION.format(refusal=REFUSAL))
    earlier = [
        Message(
            role=turn.role,
            content=turn.text,
            sources=(Located(source_id=turn.id, start=0, end=len(turn.text)),),
        )
        for turn in turns
    ]
    return [system, *earlier, _question_message(question, passages)]


def _question_message(question: str, passages: Sequence[Passage]) -> Message:
    content = f"Question: {question}\n\n"
    sources = []
    for number, passage in enumerate(passages, start=1):
        content += f"[{number}] "
        sources.append(
            Located(source_id=passage.id, start=len(content), end=len(content) + len(passage.text))
        )
        content += passage.text + "\n\n"
    return Message(role="user", content=f"{content}Question: {question}", sources=tuple(sources))


def build_prompt(tokenizer: ChatTokenizer, messages: Sequence[Message]) -> Prompt:
    """Render and tokenise the messages; find every source in the tokens.

    Raises:
        UnsupportedModelError: The chat template cannot express the last user message.
    """
    marks = [f"QUOTH{secrets.token_hex(8)}" for _ in messages]
    rendered = render(tokenizer, [(m.role, mark) for m, mark in zip(messages, marks, strict=True)])
    by_mark = dict(zip(marks, messages, strict=True))
    token_ids: list[int] = []
    sources: list[PromptSource] = []
    for piece in re.split(r"(QUOTH[0-9a-f]{16})", rendered):
        message = by_mark.get(piece)
        if message is None:
            token_ids += tokenizer.encode_template(piece)
            continue
        ids, offsets = tokenizer.encode_text(message.content)
        token_ids += ids
        sources += [_locate(source, ids, offsets) for source in message.sources]
    first_places = {source.source_id: source for source in reversed(sources)}
    passages = {source.source_id for source in messages[-1].sources}
    ranked = sorted(  # passages before turns, each in the prompt's order
        reversed(first_places.values()), key=lambda source: source.source_id not in passages
    )
    return Prompt(token_ids=tuple(token_ids), sources=tuple(ranked))


def _locate(
    source: Located, ids: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> PromptSource:
    inside = [i for i, (a, b) in enumerate(offsets) if a < source.end and b > source.start]
    return PromptSource(
        source_id=source.source_id,
        token_ids=tuple(ids[i] for i in inside),
        char_ranges=tuple(
            (
                max(offsets[i][0], source.start) - source.start,
                min(offsets[i][1], source.end) - source.start,
            )
            for i in inside
        ),
    )
