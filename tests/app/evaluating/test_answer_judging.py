"""Verdicts on answers: examples of each kind, and properties that must hold for any answer."""

from dataclasses import replace

from hypothesis import given as for_all
from hypothesis import strategies as st

from quoth.app.evaluating.answers.judging import (
    Given,
    holds_any,
    is_refusal,
    judge,
    quotes_of,
)
from quoth.app.evaluating.answers.questions import AnswerQuestion
from quoth.app.prompting import REFUSAL
from quoth.types import Citation, Passage

TEXTS = (
    "Ravens live for ten years. They nest early [12] in spring.",
    "The warranty lasts twenty-four\nmonths. Batteries: 1,303 days.",
    "Nothing of use stands here.",
)
QUESTION = AnswerQuestion(
    id="1",
    domain="d",
    question="How long?",
    kind="answerable",
    answers=("24", "Twenty-four months"),
)
UNANSWERABLE = replace(QUESTION, kind="unanswerable", answers=())


def passage(number: int, text: str, *, page: int | None = None) -> Passage:
    return Passage(
        id=str(number),
        document_id=f"id{number}",
        document=f"folder/{number}.txt",
        text=text,
        start=100,
        end=100 + len(text),
        page=page,
        end_page=page,
    )


PASSAGES = tuple(passage(number, text) for number, text in enumerate(TEXTS, start=1))


def answered(text: str, *citations: Citation, passages: tuple[Passage, ...] = PASSAGES) -> Given:
    return Given(text=text, passages=passages, citations=citations, is_cut_off=False)


def cited(text: str, quote: str, number: int) -> Citation:
    """The citation of a quote from a passage."""
    begin = 100 + TEXTS[number - 1].index(quote)
    return Citation(
        start=text.index(quote),
        end=text.index(quote) + len(quote),
        source_id=f"id{number}",
        source_start=begin,
        source_end=begin + len(quote),
        document=f"folder/{number}.txt",
    )


def test_a_right_and_verbatim_answer() -> None:
    verdict = judge(QUESTION, answered("[2] The warranty lasts twenty-four\nmonths."))
    assert (verdict.gold, verdict.named, verdict.is_right_passage) == ((2,), 2, True)
    assert (verdict.has_gold, verdict.is_verbatim, verdict.is_verbatim_lax) == (True, True, True)
    assert (verdict.is_refusal, verdict.is_empty) == (False, False)


def test_white_space_counts_for_verbatim_and_not_for_gold() -> None:
    verdict = judge(QUESTION, answered("[2] The warranty lasts twenty-four months."))
    assert (verdict.has_gold, verdict.is_verbatim, verdict.is_verbatim_lax) == (True, False, True)


def test_a_quote_must_stand_in_the_passage_that_it_names() -> None:
    verdict = judge(QUESTION, answered("[1] Batteries: 1,303 days."))
    assert (verdict.is_right_passage, verdict.is_verbatim, verdict.has_gold) == (
        False,
        False,
        False,
    )
    assert judge(QUESTION, answered("Batteries: 1,303 days.")).is_verbatim
    assert not judge(QUESTION, answered("[9] Batteries: 1,303 days.")).is_verbatim
    assert not judge(QUESTION, answered("[2]")).is_verbatim


def test_every_one_of_several_quotes_counts() -> None:
    both = "[2] Batteries: 1,303 days. [3] Nothing of use stands here."
    assert [quote.number for quote in quotes_of(answered(both))] == [2, 3]
    assert judge(QUESTION, answered(both)).is_verbatim
    assert not judge(QUESTION, answered(f"{both} [3] At all.")).is_verbatim


def test_a_number_in_brackets_that_was_quoted_is_no_name_of_a_passage() -> None:
    text = "[1] They nest early [12] in spring."
    assert not judge(QUESTION, answered(text)).is_verbatim
    verdict = judge(QUESTION, answered(text, cited(text, "They nest early [12] in spring.", 1)))
    assert verdict.is_verbatim
    assert verdict.verbatim_chars == 1


def test_without_a_number_the_first_citation_names_the_passage() -> None:
    text = "It is so: Batteries: 1,303 days."
    verdict = judge(QUESTION, answered(text, cited(text, "Batteries: 1,303 days.", 2)))
    assert (verdict.named, verdict.is_verbatim) == (2, False)
    assert judge(QUESTION, answered(text)).named is None


def test_a_passage_is_right_by_document_and_page_and_words() -> None:
    pages = tuple(replace(one, page=n, end_page=n + 1) for n, one in enumerate(PASSAGES, start=1))
    asked = replace(QUESTION, document="2.txt", pages=(3,))
    assert judge(asked, answered("", passages=pages)).gold == (2,)
    assert judge(replace(asked, pages=(4,)), answered("", passages=pages)).gold == ()
    assert judge(replace(asked, document="3.txt"), answered("", passages=pages)).gold == ()
    page_only = judge(replace(asked, answers=(), pages=(3,)), answered("[2] x", passages=pages))
    assert (page_only.gold, page_only.has_gold) == ((2,), None)


def test_refusals_are_judged_by_no_other_measure() -> None:
    for text in (
        REFUSAL,
        REFUSAL.removesuffix("."),
        f"[1] {REFUSAL.upper()}",
        f" {REFUSAL} Sorry.",
    ):
        verdict = judge(UNANSWERABLE, answered(text))
        assert verdict.is_refusal
        assert (verdict.named, verdict.is_verbatim, verdict.verbatim_chars) == (None, None, None)
        assert (verdict.gold, verdict.has_gold) == ((), None)
    assert not is_refusal("[1] The documents do not say. " + REFUSAL)


def test_an_empty_answer_is_neither_verbatim_nor_a_refusal() -> None:
    verdict = judge(QUESTION, answered(" \n"))
    assert verdict.is_empty
    assert (verdict.is_verbatim, verdict.is_refusal, verdict.has_gold) == (None, False, False)


def test_an_answer_from_an_earlier_turn() -> None:
    asked = replace(
        QUESTION,
        kind="from_history",
        answers=("thirty days",),
        history=(("Q", "[1] Thirty days."),),
    )
    copied = Citation(
        start=0, end=12, source_id="turn-1", source_start=4, source_end=16, document="", kind="turn"
    )
    for text in ("Thirty days.", "[1] Thirty days.", "[2] Thirty days."):
        verdict = judge(asked, answered(text))
        assert (verdict.is_from_turn, verdict.has_gold, verdict.is_verbatim) == (True, True, True)
        assert verdict.gold == ()
    assert judge(asked, answered("Thirty days. And so on.", copied)).is_from_turn
    assert not judge(asked, answered("[3] Nothing of use stands here.")).is_from_turn
    assert not judge(replace(asked, kind="answerable"), answered("[2] Thirty days.")).is_verbatim


def test_gold_answers_are_whole_numbers_and_any_case() -> None:
    assert holds_any("The  TWENTY-four\n months", ["twenty-four months"])
    assert holds_any("the cru\u0302 of 1990", ["Cr\u00fb"])
    assert holds_any("it was $1,303.", ["1,303"])
    assert not holds_any("1,303", ["303"])
    assert not holds_any("303.5 and 3031", ["303"])
    assert not holds_any("anything", [])


WORDS = st.lists(
    st.sampled_from(["[1]", "[2]", "[3]", "[44]", *TEXTS[1].split(), "\n"]), max_size=12
)
ANSWERS = st.one_of(st.text(max_size=40), WORDS.map(" ".join))


@for_all(ANSWERS)
def test_verdicts_agree_with_each_other(text) -> None:
    verdict = judge(QUESTION, answered(text))
    assert verdict.is_verbatim_lax or not verdict.is_verbatim
    assert verdict.is_retrieved or not verdict.is_right_passage
    assert (verdict.is_verbatim is None) == (verdict.is_refusal or verdict.is_empty)
    assert verdict == judge(QUESTION, answered(text))


@for_all(ANSWERS)
def test_the_quotes_are_the_answer_cut_at_its_numbers(text) -> None:
    quotes = quotes_of(answered(text))
    together = " ".join(f"[{quote.number}] {quote.text}" for quote in quotes)
    if any(quote.number for quote in quotes):
        assert "".join(text.split()).endswith("".join(together.split()))
    else:
        assert [quote.text for quote in quotes] == ([text.strip()] if text.strip() else [])


@for_all(st.integers(1, 3), st.integers(0, 60), st.integers(0, 60))
def test_whatever_is_cut_from_a_passage_is_verbatim(number, start, length) -> None:
    quote = TEXTS[number - 1][start : start + length]
    if quote.strip() and "[" not in quote and "]" not in quote:
        assert judge(QUESTION, answered(f"[{number}] {quote}")).is_verbatim
        assert not judge(QUESTION, answered(f"[{number}] {quote.strip()}\u2603")).is_verbatim


@for_all(st.text(max_size=20), st.text(max_size=20), st.text(min_size=1, max_size=10))
def test_an_answer_is_found_between_any_words(before, after, answer) -> None:
    if answer.strip():
        assert holds_any(f"{before} {answer} {after}", [answer])
