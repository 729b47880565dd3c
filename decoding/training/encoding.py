"""An example as tokens: how much each weighs as a target, and where some heads should look.

Choosing is done by heads of the last layer: what to quote, at the assistant's marker, and which
earlier answer, if it is one; which sentence, at the marker of a passage in the answer; its second
word, at its first; what comes next, at each copied token. A pointer says of one such query which
keys are right.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.decoding.training.examples import render_prompt
from quoth.decoding.training.prompts import quoting_answer
from quoth.decoding.training.subspaces import (
    CHOOSE_PASSAGE,
    CHOOSE_SENTENCE,
    COPY,
    QUOTE_TURN,
    SECOND_WORD,
)
from quoth.decoding.training.tokenizer import ASSISTANT, END, MARKERS, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedTokenizerFast

    from quoth.decoding.training.examples import Example, Quote
    from quoth.decoding.training.sentences import Range

_CHOICE_WEIGHT = 4.0  # of an answer's first token
_BEGINNING_WEIGHTS = (4.0, 3.0, 2.0)  # of the first ones behind a marker, which choose a sentence
_MARKER_WEIGHT = 3.0
_END_WEIGHT = 2.0
_MARKED = len(quoting_answer(1, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """At token ``query``, ``head`` should look at any of the tokens ``keys``, all before it."""

    head: int
    query: int
    keys: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedExample:
    """Prompt and answer.

    Attributes:
        token_ids: Of both.
        weights: What each token counts as a target; nothing in the prompt.
        pointers: What heads of the last layer should look at.
        num_prompt: Tokens of the prompt; the last one is the assistant's marker.
    """

    token_ids: list[int]
    weights: list[float]
    pointers: tuple[Pointer, ...]
    num_prompt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A quote within the answer: where it and its marker begin there, and where it stands."""

    begin: int
    end: int
    source: int
    marker: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    ids: list[int]
    offsets: list[Range]

    def covering(self, begin: int, end: int) -> tuple[int, ...]:
        """The tokens with any of these characters; at least one."""
        starts = [start for start, _ in self.offsets]
        first = max(bisect_right(starts, begin) - 1, 0)
        return tuple(range(first, max(bisect_left(starts, end), first + 1)))


def encode(example: Example, tokenizer: PreTrainedTokenizerFast) -> EncodedExample:
    """Tokens of prompt and answer, with weights and pointers."""
    prompt = _tokens(render_prompt(example), tokenizer)
    answer = _tokens(example.answer + END, tokenizer)
    pieces = list(_pieces(example))
    pointers = list(_first_pointers(prompt, pieces, example, tokenizer))
    for piece in pieces:
        pointers += _sentence_pointers(prompt, answer, piece, tokenizer)
        pointers += _copy_pointers(prompt, answer, piece)
    num_prompt = len(prompt.ids)
    return EncodedExample(
        token_ids=prompt.ids + answer.ids,
        weights=[0.0] * num_prompt + _weights(len(answer.ids), pointers, num_prompt),
        pointers=tuple(pointers),
        num_prompt=num_prompt,
    )


def _tokens(text: str, tokenizer: PreTrainedTokenizerFast) -> _Tokens:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return _Tokens(ids=encoded["input_ids"], offsets=encoded["offset_mapping"])


def _pieces(example: Example) -> Iterator[_Piece]:
    begin = 0
    for quote, part in zip(example.quotes, example.answer_parts, strict=True):
        end = begin + len(part)
        start = end - (quote.end - quote.start)
        said = "" if quote.passage is None else quoting_answer(quote.passage + 1, "")
        is_marked = bool(said) and part.lstrip(" ").startswith(said) and start - begin >= _MARKED
        yield _Piece(
            begin=start,
            end=end,
            source=_base(example, quote) + quote.start,
            marker=start - _MARKED if is_marked else None,
        )
        begin = end


def _base(example: Example, quote: Quote) -> int:
    """Where the quoted passage or earlier answer begins in the prompt."""
    cursor = 0
    for number, (question, answer) in enumerate(example.history):
        cursor += len(USER) + len(question) + len(END) + len(ASSISTANT)
        if number == quote.turn:
            return cursor
        cursor += len(answer) + len(END)
    cursor += len(USER) + len(f"Question: {example.question}")
    before = example.passages[: quote.passage]
    cursor += sum(len(f"\n\n[{n}] ") + len(passage) for n, passage in enumerate(before, start=1))
    return cursor + len(f"\n\n[{len(before) + 1}] ")


def _first_pointers(
    prompt: _Tokens,
    pieces: Sequence[_Piece],
    example: Example,
    tokenizer: PreTrainedTokenizerFast,
) -> Iterator[Pointer]:
    """From the assistant's marker to the first quote; where nothing answers, to the user's.

    The head of earlier answers looks at the user's marker where the quote is not from one.
    """
    query = len(prompt.ids) - 1
    user = tokenizer.get_vocab()[USER]
    nowhere = tuple(place for place, token_id in enumerate(prompt.ids) if token_id == user)
    keys = nowhere
    if pieces:
        first = pieces[0]
        keys = prompt.covering(first.source, first.source + first.end - first.begin)
    yield Pointer(head=CHOOSE_PASSAGE, query=query, keys=keys)
    if example.history:
        is_earlier = bool(example.quotes) and example.quotes[0].turn is not None
        yield Pointer(head=QUOTE_TURN, query=query, keys=keys if is_earlier else nowhere)


def _sentence_pointers(
    prompt: _Tokens, answer: _Tokens, piece: _Piece, tokenizer: PreTrainedTokenizerFast
) -> Iterator[Pointer]:
    """From a marker in the answer, and from the word that follows, to the quote behind it."""
    if piece.marker is None:
        return
    markers = {tokenizer.get_vocab()[marker] for marker in MARKERS}
    for place, (token_id, (start, _)) in enumerate(zip(answer.ids, answer.offsets, strict=True)):
        if start == piece.marker and token_id in markers:
            keys = prompt.covering(piece.source, piece.source + piece.end - piece.begin)
            query = len(prompt.ids) + place
            yield Pointer(head=CHOOSE_SENTENCE, query=query, keys=keys)
            yield Pointer(head=SECOND_WORD, query=query + 1, keys=keys)


def _copy_pointers(prompt: _Tokens, answer: _Tokens, piece: _Piece) -> Iterator[Pointer]:
    """From each token of a quote to the token that follows it where it is quoted from.

    There is none where the two texts are cut into tokens differently.
    """
    last_at = {end: place for place, (_, end) in enumerate(prompt.offsets)}
    moved = piece.source - piece.begin
    for place, (start, end) in enumerate(answer.offsets[:-1]):
        if not (piece.begin - 1 <= start and piece.begin < end < piece.end):
            continue
        found = last_at.get(end + moved)
        if found is not None and prompt.ids[found + 1] == answer.ids[place + 1]:
            yield Pointer(head=COPY, query=len(prompt.ids) + place, keys=(found + 1,))


def _weights(size: int, pointers: Sequence[Pointer], num_prompt: int) -> list[float]:
    """Of an answer's tokens as targets: those that choose weigh most."""
    weights = [_CHOICE_WEIGHT] + [1.0] * (size - 1)
    for pointer in pointers:
        if pointer.head == CHOOSE_SENTENCE:
            place = pointer.query - num_prompt
            weights[place] = max(weights[place], _MARKER_WEIGHT)
            for behind, weight in enumerate(_BEGINNING_WEIGHTS[: size - place - 1], place + 1):
                weights[behind] = max(weights[behind], weight)
    weights[-1] = _END_WEIGHT
    return weights
