"""What the circuits of the first two layers write stands where their docstrings say."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.small_mini import SENTENCES, ids_of, prompt, small_model, small_tokenizer
from quoth.decoding.training.reading import written_codes
from quoth.decoding.training.subspaces import (
    ANSWERING,
    ASSISTANT,
    BEGINS,
    EARLIER,
    PASSAGES,
    QUESTION,
    START,
    WORD,
)
from quoth.decoding.training.tokenizer import ASSISTANT as ASSISTANT_MARKER
from quoth.decoding.training.tokenizer import MARKERS
from quoth.decoding.training.tokenizer import QUESTION as QUESTION_MARKER

_SECTIONS = [QUESTION, ASSISTANT, *range(PASSAGES.start, PASSAGES.stop)]
_MARKERS = [QUESTION_MARKER, ASSISTANT_MARKER, *MARKERS]
_WITHOUT_ARTICLE = [text for text in SENTENCES if not text.startswith(("The ", "A "))]
"""Articles have long states after the first layer: as a sentence's first words they are missed."""

_LINE_FEED = "\u010a"  # as byte-level BPE spells it


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A prompt with an answer, and the stream before the layers."""

    ids: list[int]
    tokens: list[str]
    states: list[Tensor]  # [T, 512] each


@st.composite
def reads(draw: st.DrawFn, sentences: Sequence[str] = SENTENCES) -> Read:
    """A question, up to four passages, an answer, as the model reads them."""
    text = st.lists(st.sampled_from(sentences), min_size=1, max_size=5).map(" ".join)
    passages = draw(st.lists(text, min_size=1, max_size=4))
    number = draw(st.integers(1, len(passages)))
    ids = ids_of(prompt(draw(st.sampled_from(SENTENCES)), passages) + f"[{number}] {draw(text)}")
    with torch.no_grad():
        outputs = small_model(2).model(torch.tensor([ids]), output_hidden_states=True)
    tokens = small_tokenizer().convert_ids_to_tokens(ids)
    return Read(ids=ids, tokens=tokens, states=[state[0] for state in outputs.hidden_states])


def _likeness(found: Tensor, wanted: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(found, wanted, dim=-1)


_few = settings(max_examples=12)


@_few
@given(read=reads())
def test_every_token_knows_the_two_before_it(read: Read) -> None:
    words, earlier = read.states[0][:, WORD], written_codes(small_model(2)).earlier
    for offset, target in enumerate(EARLIER, start=1):
        rows = target.stop - target.start
        wanted = words[:-offset] @ earlier[:rows].T
        assert float(_likeness(read.states[1][offset:, target], wanted).min()) > 0.95


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
@given(read=reads(_WITHOUT_ARTICLE))
def test_every_token_of_a_passage_knows_how_its_sentence_began(read: Read) -> None:
    words, start = read.states[0][:, WORD], written_codes(small_model(2)).start
    firsts: dict[int, int] = {}
    sections = _sections(read.tokens)[: read.tokens.index(ASSISTANT_MARKER)]
    for position, section in enumerate(sections):
        if section not in MARKERS or read.tokens[position] in {section, _LINE_FEED}:
            continue
        is_first = read.tokens[position - 1] in {".", section}
        firsts[position] = position if is_first else firsts[position - 1]
        assert bool(read.states[1][position, BEGINS] > 0.5) == is_first
    wanted = words[list(firsts.values())] @ start.T
    assert float(_likeness(read.states[2][list(firsts)][:, START], wanted).min()) > 0.8


def _sections(tokens: Sequence[str]) -> list[str]:
    """The latest marker before each token or at it."""
    return list(accumulate(tokens, lambda last, token: token if token in _MARKERS else last))
