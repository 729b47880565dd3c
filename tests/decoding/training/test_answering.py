"""What the last layer's circuits say without training, where it does not depend on meaning."""

import copy
import random

import pytest
import torch
from torch import Tensor
from transformers import NemotronForCausalLM

from helpers.small_mini import (
    HARBOUR,
    LIBRARY,
    QUESTION,
    ids_of,
    prompt,
    settled_model,
    small_tokenizer,
)
from quoth.decoding.training.answering import MATCHING, RELEVANCE, decide
from quoth.decoding.training.heads import blank_head, view_head, weight_for
from quoth.decoding.training.subspaces import (
    CHOOSE_SENTENCE,
    COPIES,
    LENGTHS,
    MEANING,
    REPEATED,
    SECOND_WORD,
)
from quoth.decoding.training.tokenizer import ASSISTANT, END, USER

_LAST = 2
_SECONDS = {
    "library": "Every library keeps maps of the coast.",
    "ferry": "Every ferry crosses the lake at noon.",
}
_RELEVANT = 20.0
"""By how much relevant tokens score more than others."""

_VOTE = 3.0  # logits

_RECURRING = [
    "town",
    "lake",
    "coast",
    "tower",
    "fee",
    "seal",
    "the",
    "of",
    "and",
    "a",
    "in",
    "maps",
    "salt",
    "schools",
    "winter",
]


def _said_behind(text: str, model: NemotronForCausalLM) -> str:
    logits: Tensor = model(torch.tensor([ids_of(text)])).logits[0, -1]
    return str(small_tokenizer().decode([int(logits.argmax())])).strip()


@torch.inference_mode()
@pytest.mark.parametrize("second", ["ferry", "tower", "spring"])
def test_an_earlier_answer_without_a_marker_is_copied(second: str) -> None:
    """Only by its second word does the passage's sentence score less: by 10 to 13 of 80.

    So little must answers be kept from copying themselves: by 4; with 15 the passage wins.
    """
    said = LIBRARY[0]
    other = f"The {second} keeps maps of the northern lake in its mill."
    before = f"{USER}{QUESTION}{END}{ASSISTANT}{said}{END}{prompt(QUESTION, [other])}"
    model, answer = settled_model(2), ids_of(said)
    logits = model(torch.tensor([ids_of(before) + answer])).logits[0]
    chosen = logits[-len(answer) : -1].argmax(-1).tolist()
    assert chosen[3:-1] == answer[4:-1]  # the full stop is a near thing before any training


@torch.inference_mode()
@pytest.mark.parametrize(("number", "wanted"), [(1, "northern"), (2, "old"), (3, "small")])
def test_what_is_the_same_in_several_passages_goes_on_as_in_the_one_named(
    number: int, wanted: str
) -> None:
    begun = "The library keeps maps of the"
    passages = [f"{begun} {rest}" for rest in ("northern coast.", "old mill.", "small lake.")]
    text = f"{prompt(QUESTION, passages)}[{number}] {begun}"
    assert _said_behind(text, settled_model(2)) == wanted


@torch.no_grad()
def test_where_phrases_recur_contexts_are_ranked_by_their_distance() -> None:
    model = settled_model(2)
    unranked = copy.deepcopy(model)
    for number in COPIES:
        view_head(unranked, layer=_LAST, number=number).key[:, list(LENGTHS)] = 0.0
    wrong, wrong_unranked = _wrongly_copied(model), _wrongly_copied(unranked)
    assert wrong < 0.6 * wrong_unranked


@torch.inference_mode()
def _wrongly_copied(model: NemotronForCausalLM) -> int:
    """Of passages in which few words recur, quoted whole: tokens that are copied wrongly."""
    rng, wrong = random.Random(4), 0
    for _ in range(20):
        passage = " ".join(rng.choices(_RECURRING, k=60)) + "."
        before, quote = ids_of(prompt(QUESTION, [f"So {passage}"])), ids_of(f"[1] So {passage}")
        chosen = model(torch.tensor([before + quote])).logits[0].argmax(-1).tolist()
        pairs = zip(chosen[len(before) + 5 : -2], quote[6:-1], strict=True)
        wrong += sum(said != right for said, right in pairs)
    return wrong


@torch.no_grad()
def test_a_phrase_that_occurs_twice_in_a_sentence_goes_on_otherwise_the_second_time() -> None:
    phrase = "keeps maps of the northern"
    passage = f"The library {phrase} lake and {phrase} coast in its tower."
    passages = [passage, " ".join(HARBOUR * 8)]  # the first marker is far off, as it is usually
    text = f"{prompt(QUESTION, passages)}[1] The library {phrase} lake and {phrase}"
    model = copy.deepcopy(settled_model(2))
    lead = _lead(model, text, "coast", "lake")
    blank_head(model, layer=_LAST, number=REPEATED)
    assert lead > max(0.0, _lead(model, text, "coast", "lake") + _VOTE)


@torch.inference_mode()
@pytest.mark.parametrize(("relevant", "other"), [("library", "ferry"), ("ferry", "library")])
def test_of_sentences_that_begin_alike_the_relevant_one_has_a_vote_for_its_second_word(
    relevant: str, other: str
) -> None:
    text = f"{prompt(QUESTION, [' '.join(_SECONDS.values())])}[1] Every"
    model = copy.deepcopy(settled_model(2))
    for number in COPIES:  # they cannot tell which is meant
        blank_head(model, layer=_LAST, number=number)
    _make_relevant(model, SECOND_WORD, text, {_SECONDS[relevant]: _RELEVANT})
    logits = model(torch.tensor([ids_of(text)])).logits[0, -1]
    said, unsaid = (logits[ids_of(f" {word}")[0]] for word in (relevant, other))
    assert said > unsaid + _VOTE


@torch.no_grad()
def test_of_two_sentences_that_are_as_good_one_is_decided_on() -> None:
    first, second = LIBRARY[0], LIBRARY[1]
    text = f"{prompt(QUESTION, [f'Here. {first} {second}'])}[1]"
    model = copy.deepcopy(settled_model(2))
    _make_relevant(model, CHOOSE_SENTENCE, text, {first: 8.0, second: 7.5})
    unsure = _lead(model, text, first, second)
    decide(model)
    decided = _lead(model, text, first, second)
    assert decided * unsure > 0
    assert abs(decided) > abs(unsure) + 1.0


@torch.no_grad()
def test_the_sentence_decided_on_stands_in_the_passage_named() -> None:
    first, second = LIBRARY[0], HARBOUR[0]
    text = f"{prompt(QUESTION, [f'Here. {first}', f'Here. {second}'])}[1]"
    model = copy.deepcopy(settled_model(2))
    _make_relevant(model, CHOOSE_SENTENCE, text, {second: 25.0})
    assert _lead(model, text, first, second) > _VOTE
    decide(model)
    assert _lead(model, text, first, second) > _VOTE


def _lead(model: NemotronForCausalLM, text: str, first: str, second: str) -> float:
    """By how many logits the first word of ``first`` is likelier than that of ``second``."""
    logits: Tensor = model(torch.tensor([ids_of(text)])).logits[0, -1]
    return float(logits[ids_of(f" {first}")[0]] - logits[ids_of(f" {second}")[0]])


def _make_relevant(
    model: NemotronForCausalLM, number: int, text: str, relevance: dict[str, float]
) -> None:
    """Set head ``number`` so that sentences in ``text`` are as relevant as ``relevance`` says."""
    ids, layer = ids_of(text), model.model.layers[_LAST]
    stream = model.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[-2]
    read = layer.input_layernorm(stream)[0, :, MEANING]
    wanted = torch.zeros(len(ids))
    for sentence, score in relevance.items():
        own = ids_of(f" {sentence}")
        begin = next(n for n in range(len(ids)) if ids[n : n + len(own)] == own)
        wanted[begin : begin + len(own)] = score
    row = torch.linalg.lstsq(read, wanted[:, None], driver="gelsd").solution[:, 0]
    head = view_head(model, layer=_LAST, number=number)
    head.key[RELEVANCE, MEANING] = weight_for(1.0) * row
    if number in MATCHING:
        head.query[MATCHING[number]] = 0.0
