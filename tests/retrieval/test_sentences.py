"""Sentences end where a reader says they end."""

import pytest

from quoth.retrieval.sentences import sentence_ranges


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_ranges(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["It rose.", "It fell!", "Did it?", "It did …", "Well."],
        ["Dr. No met Mr. J. Smith of Acme Inc. in the U.S. yesterday.", "They talked."],
        ["It grew 3.5 % to $1.2 billion.", "See Fig. 2 and No. 7."],
        ['He said "Stop."', "Then he left.)", "So?"],
        ["これは文です。", "二番目です。"],
        ["Use e.g. a list, i.e. this one.", "Version 2.0 is out."],
        ["Is it www.example.com/a.b?", "Yes."],
    ],
)
def test_a_line_of_prose(expected: list[str]) -> None:
    joiner = "" if "。" in expected[0] else " "
    assert sentences(joiner.join(expected)) == expected


def test_a_hard_wrapped_sentence_is_one() -> None:
    text = "This one goes on\nover a line break. The next\none too."
    assert sentences(text) == ["This one goes on\nover a line break.", "The next\none too."]


def test_lists_rows_headings_and_blank_lines_end_sentences() -> None:
    text = (
        "Intro\n- one item\n- two. items\n1. first\n2. second\n\nEnd without a stop\n| a | b |\n# H"
    )
    assert sentences(text) == [
        "Intro", "- one item", "- two. items", "1. first", "2. second",
        "End without a stop", "| a | b |", "# H",
    ]  # fmt: skip


def test_offsets_are_those_of_the_whole_text() -> None:
    text = "Skip. One two. Three."
    assert sentence_ranges(text, 6) == [(6, 14), (15, 21)]
