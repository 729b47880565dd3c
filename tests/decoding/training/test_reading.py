"""What the circuits of the first two layers write stands where their docstrings say."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle, islice

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.small_mini import QUESTION as QUESTION_TEXT
from helpers.small_mini import SENTENCES, ids_of, prompt, settled_model, small_tokenizer
from quoth.decoding.training.reading import written_codes
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEGINS,
    EARLIER,
    LENGTHS,
    PASSAGES,
    QUESTION,
    SECOND,
    START,
    WORD,
)
from quoth.decoding.training.tokenizer import ASSISTANT as ASSISTANT_MARKER
from quoth.decoding.training.tokenizer import MARKERS
from quoth.decoding.training.tokenizer import QUESTION as QUESTION_MARKER

_SECTIONS = [QUESTION, ASSISTANT, *range(PASSAGES.start, PASSAGES.stop)]
_MARKERS = [QUESTION_MARKER, ASSISTANT_MARKER, *MARKERS]
_ALIKE = 0.8

_ARTICLES = ("\u0120A", "\u0120The")
"""Norms read their flags three per cent weaker: a start less than ten tokens before can win."""

_BLANK_LINE = "\u010a\u010a"  # as byte-level BPE spells it


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A prompt with an answer, and the stream before the layers."""

    ids: list[int]
    tokens: list[str]
    states: list[Tensor]  # [T, 512] each


@st.composite
def reads(draw: st.DrawFn) -> Read:
    """A question, up to four passages, an answer, as the model reads them."""
    text = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5).map(" ".join)
    passages = draw(st.lists(text, min_size=1, max_size=4))
    number = draw(st.integers(1, len(passages)))
    question = draw(st.sampled_from(SENTENCES))
    return _read(prompt(question, passages) + f"[{number}] {draw(text)}")


def _read(text: str) -> Read:
    ids = ids_of(text)
    with torch.no_grad():
        outputs = settled_model(2).model(torch.tensor([ids]), output_hidden_states=True)
    tokens = small_tokenizer().convert_ids_to_tokens(ids)
    return Read(ids=ids, tokens=tokens, states=[state[0] for state in outputs.hidden_states])


def _likeness(found: Tensor, wanted: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(found, wanted, dim=-1)


_few = settings(max_examples=12)


@_few
@given(read=reads())
def test_every_token_knows_the_two_before_it(read: Read) -> None:
    words, earlier = read.states[0][:, WORD], written_codes(settled_model(2)).earlier
    for offset, target in enumerate(EARLIER, start=1):
        rows = target.stop - target.start
        wanted = words[:-offset] @ earlier[:rows].T
        found = read.states[1][offset:, target]
        assert float((found - wanted).norm(dim=-1).max()) < 0.3


@_few
@given(read=reads())
def test_every_token_knows_how_long_the_codes_of_those_before_it_are(read: Read) -> None:
    for code, length in zip(EARLIER, LENGTHS, strict=True):
        wanted = read.states[2][:, code].square().sum(-1)
        assert torch.allclose(read.states[2][:, length], wanted, rtol=0.1, atol=0.05)


@_few
@given(read=reads())
def test_every_token_knows_its_passage(read: Read) -> None:
    told = read.states[1][:, _SECTIONS].argmax(-1).tolist()
    for section, found in zip(_sections(read.tokens), told, strict=True):
        assert section not in MARKERS or _MARKERS[found] == section


@_few
@given(read=reads())
def test_tokens_of_an_answer_know_that_they_are(read: Read) -> None:
    begin = read.tokens.index(ASSISTANT_MARKER)
    flags = read.states[1][:, ANSWERING]
    assert float(flags[:begin].abs().max()) < 0.2
    assert float(flags[begin:].min()) > 0.8


@_few
@given(read=reads())
def test_every_token_of_a_passage_knows_how_its_sentence_began(read: Read) -> None:
    firsts = _firsts(read)
    for position, first in firsts.items():
        assert bool(read.states[1][position, BEGINS] > 0.5) == (position == first)
    others = {p: first for p, first in firsts.items() if read.tokens[first] not in _ARTICLES}
    if others:
        assert float(_start_likeness(read, others).min()) > _ALIKE


def test_a_long_sentence_begins_where_it_does_hundreds_of_tokens_behind_others() -> None:
    parts = [sentence.removesuffix(".") for sentence in SENTENCES]
    begins = range(14)
    long = [" and ".join(islice(cycle(parts), begin, begin + 5)) + "." for begin in begins]
    read = _read(prompt(QUESTION_TEXT, [" ".join(long[:7]), " ".join(long[7:])]))
    assert len(read.ids) > 750
    assert float(_start_likeness(read, _firsts(read)).min()) > _ALIKE


def test_a_sentence_begins_behind_a_blank_line() -> None:
    read = _read(prompt(QUESTION_TEXT, ["Maps of the coast\n\nVisitors may copy them"]))
    start = written_codes(settled_model(2)).start
    begin = read.tokens.index("Visitors")
    end = read.tokens.index(_BLANK_LINE, begin)
    wanted = read.states[0][begin, WORD] @ start.T
    assert float(_likeness(read.states[2][begin:end, START], wanted).min()) > _ALIKE


def test_every_token_of_a_passage_knows_the_second_word_of_its_sentence() -> None:
    read = _read(prompt(QUESTION_TEXT, [" ".join(SENTENCES), " ".join(SENTENCES[::-1])]))
    second, firsts = written_codes(settled_model(2)).second, _firsts(read)
    behind = [position for position, first in firsts.items() if position > first]
    wanted = read.states[0][[firsts[position] + 1 for position in behind], WORD] @ second.T
    found = read.states[2][:, SECOND]
    assert float(_likeness(found[behind], wanted).min()) > _ALIKE
    asked = [n for n, section in enumerate(_sections(read.tokens)) if section == QUESTION_MARKER]
    assert float(found[asked].norm(dim=-1).max()) < 0.2 < 0.5 < float(wanted.norm(dim=-1).min())


def _firsts(read: Read) -> dict[int, int]:
    """Of each token of a passage, the first token of its sentence."""
    firsts: dict[int, int] = {}
    end = read.tokens.index(ASSISTANT_MARKER)
    for position, section in enumerate(_sections(read.tokens)[:end]):
        if section not in MARKERS or read.tokens[position] in {section, _BLANK_LINE}:
            continue
        is_first = read.tokens[position - 1] in {".", section}
        firsts[position] = position if is_first else firsts[position - 1]
    return firsts


def _start_likeness(read: Read, firsts: dict[int, int]) -> Tensor:
    wanted = read.states[0][list(firsts.values()), WORD] @ written_codes(settled_model(2)).start.T
    return _likeness(read.states[2][list(firsts)][:, START], wanted)


def _sections(tokens: Sequence[str]) -> list[str]:
    """The latest marker before each token or at it."""
    return list(accumulate(tokens, lambda last, token: token if token in _MARKERS else last))


def test_an_answers_first_sentence_begins_behind_the_assistants_marker() -> None:
    read = _read(prompt(QUESTION_TEXT, [SENTENCES[0]]) + SENTENCES[3])
    begin = read.tokens.index(ASSISTANT_MARKER) + 1
    wanted = read.states[0][begin, WORD] @ written_codes(settled_model(2)).start.T
    assert float(_likeness(read.states[2][begin:, START], wanted).min()) > _ALIKE
