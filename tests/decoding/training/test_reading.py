"""What the circuits of the first two layers write stands where their docstrings say."""

from dataclasses import dataclass

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
def test_every_token_knows_its_section(read: Read) -> None:
    told = read.states[1][:, _SECTIONS].argmax(-1).tolist()
    section = None
    for token, found in zip(read.tokens, told, strict=True):
        section = _MARKERS.index(token) if token in _MARKERS else section
        assert section is None or found == section


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
    begin = read.tokens.index(MARKERS[0])
    first, firsts = None, []
    for position, token in enumerate(read.tokens):
        first = position if read.tokens[position - 1] in {".", *MARKERS} else first
        firsts.append(first if token not in _MARKERS else None)
    assert {read.states[1][i, BEGINS].item() > 0.5 for i in firsts if i is not None} == {True}
    words, start = read.states[0][:, WORD], written_codes(small_model(2)).start
    places = [i for i in range(begin + 1, len(firsts)) if firsts[i] is not None]
    wanted = words[[firsts[i] for i in places]] @ start.T
    assert float(_likeness(read.states[2][places][:, START], wanted).min()) > 0.8
