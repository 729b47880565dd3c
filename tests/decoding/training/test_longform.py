"""Long answers become quotes of their text where they are made of its sentences."""

import json
from pathlib import Path

import pytest

from quoth.decoding.training.longform import aligned, read_long_answers, untokenised

_CONTEXT = (
    "The mill is a `` listed '' building . It was built in 1820 ( or 1821 ) by Ann Lee , a miller "
    "'s daughter . Nobody lives there now . The wheel does n't turn -- it broke in 1950 ."
)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (
            "He 's ( nearly ) done , `` he said '' .",
            'He\'s (nearly) done, "he said".',
        ),
        ("free - roaming horses ; 94 % of them", "free-roaming horses; 94% of them"),
        ("one .\r\ntwo .", "one.\ntwo."),
        ("nothing to do here.", "nothing to do here."),
    ],
)
def test_spaces_of_tokens_are_taken_out(tokens: str, text: str) -> None:
    assert untokenised(tokens) == text


def test_answers_are_aligned_with_sentences_in_the_answers_order() -> None:
    context = untokenised(_CONTEXT)
    answer = (
        "The wheel doesn't turn, it broke in 1950. "
        "It was built in 1820 by Ann Lee, a miller's daughter."
    )
    quotes = aligned(answer, context)
    assert [quote.split()[0] for quote in quotes] == ["The", "It"]
    assert all(quote in context for quote in quotes)
    assert aligned("Something else was said about the mill in the valley.", context) == ()


def test_rows_without_licence_or_likeness_are_left_out(tmp_path: Path) -> None:
    def row(source: str, answer: str, question: str) -> str:
        return json.dumps(
            {"source": source, "contexts": [_CONTEXT], "question": question, "answer": answer}
        )

    path = tmp_path / "longform_qa.jsonl"
    rows = [
        row(
            "clapnq_dev",
            "Nobody lives there now . The wheel does n't turn -- it broke in 1950 .",
            "a",
        ),
        row("clapnq_dev", "It used to be a bakery of great renown .", "b"),
        row("clapnq_dev", "", "c"),
        row("qmsum", "Nobody lives there now .", "d"),
        row("pubmedqa", "Nobody lives there now .", "e"),
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    read = list(read_long_answers(path))
    assert [one.question for one in read] == ["a", "c"]
    assert [len(one.answers) for one in read] == [2, 0]
