"""What is trained on: licensed, split without leaks, and quoted verbatim."""

import random
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding.training.examples import render_prompt
from quoth.decoding.training.material import Material
from quoth.decoding.training.sentences import split_passages, split_sentences
from quoth.decoding.training.sources import LICENCES, is_held_out, read_questions
from quoth.decoding.training.tasks import TaskShape
from quoth.decoding.training.tokenizer import train_tokenizer


def test_rows_of_sources_without_a_suitable_licence_are_never_read(corpus_folder: Path) -> None:
    sources = {row.source for row in read_questions(corpus_folder / "extractive_qa.jsonl.gz")}
    assert sources == {"xquad_en", "squadshifts_reddit"}
    assert not any(name.startswith(("subjqa", "policyqa", "qmsum", "pubmed")) for name in LICENCES)


def test_no_held_out_passage_is_trained_on(material: Material) -> None:
    trained = {passage for question in material.questions for passage in question.passages}
    held_out = {passage for question in material.held_out for passage in question.passages}
    assert trained
    assert held_out
    assert not trained & held_out
    paths = {document.path for document in material.documents}
    assert not paths & {document.path for document in material.held_out_documents}


def test_the_split_is_the_same_everywhere() -> None:
    held_out = [number for number in range(60) if is_held_out(f"group {number}", share=0.1)]
    assert held_out[:6] == [8, 10, 20, 28, 40, 44]


def test_the_same_seed_draws_the_same_examples(material: Material) -> None:
    drawn = [
        [material.mixture.draw(TaskShape(), rng) for _ in range(20)]
        for rng in (random.Random(3), random.Random(3))
    ]
    assert drawn[0] == drawn[1]


def test_unanswerable_and_shuffled_examples_occur(material: Material) -> None:
    rng = random.Random(1)
    drawn = [material.mixture.draw(TaskShape(min_passages=3), rng) for _ in range(200)]
    refused = sum(not example.quotes for example in drawn)
    assert 5 <= refused <= 60
    assert {quote.passage for example in drawn for quote in example.quotes} >= {None, 0, 1, 2}


def test_prompt_is_what_the_chat_template_renders(material: Material) -> None:
    tokenizer = train_tokenizer(material.texts(), vocab_size=600)
    rng = random.Random(2)
    for _ in range(20):
        example = material.mixture.draw(TaskShape(history_share=0.5), rng)
        messages = [{"role": "system", "content": "left out"}, *example.messages]
        rendered = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        assert render_prompt(example) == rendered


@given(st.text(alphabet="Ab. \n-!?#", max_size=80))
def test_sentences_and_passages_are_parts_of_the_text_in_order(text: str) -> None:
    spans = split_sentences(text)
    assert all(text[start:end].strip() == text[start:end] for start, end in spans)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    passages = split_passages(text, max_chars=20)
    assert all(
        any(begin <= start and end <= finish for begin, finish in passages) for start, end in spans
    )


def test_line_breaks_inside_a_paragraph_do_not_end_a_sentence() -> None:
    text = "One ends. Two goes\non here.\n\n- item one\n- item two\n\n# Heading\nText by J. Smith."
    sentences = [text[start:end] for start, end in split_sentences(text)]
    assert sentences == [
        "One ends.",
        "Two goes\non here.",
        "item one",
        "item two",
        "Heading\nText by J. Smith.",
    ]
