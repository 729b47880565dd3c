"""The vocabulary must give back every text exactly: quotes are verbatim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from quoth.decoding.training.tokenizer import MARKERS, QUESTION, SPECIAL_TOKENS, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    texts = ["The quick brown fox.", "def f(x):\n    return x  # naïve", "Straße 12,345"] * 3
    return train_tokenizer(texts, vocab_size=400)


@given(text=st.text(max_size=200))
def test_every_text_comes_back_exactly(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_markers_and_special_tokens_are_single_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    for text in (*SPECIAL_TOKENS, *MARKERS, QUESTION):
        assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == 1


def test_a_sentence_has_the_same_tokens_in_the_passage_and_in_the_answer(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    quote = ids(" The quick brown fox.")
    assert ids("[2] The quick brown fox. More")[1 : 1 + len(quote)] == quote
    assert ids("[2] The quick brown fox.")[1:] == quote


@pytest.mark.parametrize("blank", ["\n\n", "\n\n\n", "\r\n\r\n"])
def test_a_blank_line_is_no_part_of_what_stands_around_it(
    tokenizer: PreTrainedTokenizerFast, blank: str
) -> None:
    def spelled(text: str) -> list[str]:
        return tokenizer.tokenize(text, add_special_tokens=False)

    for before, after in (("fox", "The"), ("fox.", "[2]"), ("return", "    return")):
        around = [*spelled(before), *spelled(blank), *spelled(after)]
        assert spelled(before + blank + after) == around


def test_a_blank_line_is_one_token() -> None:
    learned = train_tokenizer(["One.\n\nTwo.\n\nThree.\n\nFour."] * 9, vocab_size=300)
    for text in ("One.\n\nTwo.", "One\n\n[1] Two", "One\n\n  Two"):
        assert learned.convert_ids_to_tokens(learned(text)["input_ids"]).count("\u010a\u010a") == 1


def test_size_is_what_was_asked_for_at_most(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer) <= 400
