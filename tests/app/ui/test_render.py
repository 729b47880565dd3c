import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.made_exchanges import HOSTILE, exchanges, texts
from helpers.scripted_assistant import Line
from quoth.app.events import AnswerStats, ScoredPassage
from quoth.app.ui.answer_text import answer_text
from quoth.app.ui.document_list import UploadLine, document_list, upload_list
from quoth.app.ui.exchanges import Exchange, Quote
from quoth.app.ui.render import conversation, exchange_html
from quoth.types import Citation, Passage

OURS = {
    "article", "bdi", "button", "div", "h1", "li", "mark", "p", "section", "span", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "aria-busy", "aria-describedby", "aria-label", "class", "data-document", "data-example",
    "data-label", "data-ref", "dir", "id", "popover", "role", "tabindex", "title", "type",
}  # fmt: skip
STATS = AnswerStats(
    prompt_tokens=700, tokens=48, forward_passes=14, drafted=40, accepted=34, copied_share=0.5,
    retrieve_s=0.1, prefill_s=0.3, decode_s=0.8,
)  # fmt: skip


class Tags(HTMLParser):
    """What a parser makes of a page: its tags, attributes, text, and whether all is closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open = set[str](), set[str](), list[str]()
        self.others, self.text = list[str](), ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def stripped(page: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", page))


def assert_only_ours(page: str) -> None:
    seen = Tags(page)
    assert seen.tags <= OURS
    assert seen.attributes <= ATTRIBUTES
    assert not seen.open
    assert not seen.others


def passage(number: int, name: str = "guide.md", page: int | None = None) -> ScoredPassage:
    inner = Passage(
        id=f"p{number}", document_id=f"d{number}", document=name, text="x" * 50,
        start=0, end=50, page=page,
    )  # fmt: skip
    return ScoredPassage(number=number, passage=inner, score=0.5)


def quote(start: int, end: int, source: str = "d1", at: int = 0, **fields: object) -> Quote:
    citation = Citation(
        start=start, end=end, source_id=source, source_start=at, source_end=at + end - start,
        document="guide.md", **fields,
    )  # fmt: skip
    return Quote(citation=citation, excerpt=None)


def answered(text: str, *quotes: Quote, num_passages: int = 2) -> Exchange:
    passages = tuple(passage(number) for number in range(1, num_passages + 1))
    return Exchange(question="q", phase="done", text=text, quotes=quotes, passages=passages)


@given(exchanges())
def test_without_its_tags_the_drawn_answer_is_the_answer(exchange):
    assert stripped(answer_text(exchange, 0)) == exchange.text


@given(exchanges(), st.integers(0, 5))
def test_no_tag_and_no_attribute_that_is_not_ours_ever_appears(exchange, number):
    assert_only_ours(exchange_html(exchange, number))


@given(exchanges())
def test_the_question_the_name_and_the_error_show_as_they_are(exchange):
    shown = stripped(exchange_html(replace(exchange, phase="failed"), 0))
    assert exchange.question in shown
    assert exchange.error in shown


@given(texts, st.lists(texts, max_size=3))
def test_welcome_and_examples_show_as_they_are(title, examples):
    (page,) = conversation([], title=title, examples=examples)
    assert_only_ours(page)
    assert all(example in stripped(page) for example in [title, *examples])


@given(texts, texts)
def test_names_and_outcomes_of_uploads_show_as_they_are(name, message):
    page = upload_list([UploadLine(name=name, message=message, kind="skipped")])
    assert_only_ours(page)
    assert stripped(page) == f"{name} {message}"


def test_hostile_strings_are_hostile():
    """If they were not escaped, the parser above would see tags that are not ours."""
    assert not Tags("".join(HOSTILE[:3])).tags <= OURS


def test_each_quote_has_the_colour_of_its_passage():
    page = answer_text(answered("one two three", quote(0, 3), quote(4, 7, "d2")), 0)
    assert re.findall(r'class="q-quote (q-c\d) ', page) == ["q-c1", "q-c2"]


def test_copied_and_matched_are_told_apart():
    page = answer_text(answered("one two", quote(0, 3), quote(4, 7, origin="matched")), 0)
    assert page.count("is-copied") == page.count("is-matched") == 1


def test_two_quotes_that_do_not_meet_in_their_source_are_kept_apart_by_no_text():
    page = answer_text(answered("one two", quote(0, 3), quote(4, 7, at=40)), 0)
    before, after = page.split('<span class="q-seam"')
    assert before.endswith("one</mark> ")
    assert after.startswith(' role="img" aria-label="The source is cut here" title="The source is')
    assert stripped(page) == "one two"


@pytest.mark.parametrize("second", [quote(4, 7, "d2", at=40), quote(4, 7, "t9", kind="turn")])
def test_quotes_of_two_sources_are_kept_apart_by_their_colours(second):
    assert "q-seam" not in answer_text(answered("one two", quote(0, 3), second), 0)


def test_an_earlier_turn_gets_a_letter_and_its_own_colour():
    page = answer_text(answered("one", quote(0, 3, "t9", kind="turn")), 0)
    assert 'class="q-quote q-c0 is-copied"' in page
    assert 'data-label="a"' in page


def test_the_last_of_several_quotes_of_a_source_carries_the_number():
    exchange = answered("one two three", quote(0, 3), quote(4, 7), quote(8, 13, "d2"))
    assert re.findall(r'data-ref="0-q(\d)" data-label="(\d)"', answer_text(exchange, 0)) == [
        ("1", "1"),
        ("2", "2"),
    ]


def test_a_source_that_the_model_names_itself_is_not_numbered_twice():
    page = answer_text(answered("[1] one, [7] not", quote(4, 7)), 0)
    assert '<span class="q-n q-c1">[1]</span>' in page
    assert "data-label" not in page
    assert "[7]</span>" not in page


def test_overlapping_quotes_and_quotes_ahead_of_the_text_are_not_drawn():
    exchange = answered("one two", quote(0, 5), quote(3, 7), quote(4, 9))
    assert answer_text(exchange, 0).count("<mark") == 1


def test_the_legend_names_each_source_once_and_what_was_not_used():
    exchange = answered("one two three", quote(0, 3), quote(4, 7), num_passages=2)
    page = exchange_html(exchange, 0)
    legend, unused = page.split("Read, not copied from")
    assert legend.count('class="q-source is-copied') == 1
    assert unused.count('class="q-source is-unused') == 1


def test_the_line_of_numbers_shows_what_the_assistant_measured():
    exchange = replace(answered("0123456789", quote(0, 3)), stats=STATS, coverage=0.7)
    shown = stripped(exchange_html(exchange, 0))
    assert "50% copied20% found word for word3.4 tokens per forward pass48 tokens1.2 s" in shown


@pytest.mark.parametrize(("num_pages", "counts"), [(0, ""), (None, ""), (1, "1 page, ")])
def test_only_documents_with_pages_count_them(num_pages, counts):
    line = Line(document_id="d", document="a.md", num_passages=3, num_pages=num_pages)
    assert stripped(document_list([line])) == f"a.md{counts}3 passages"


@given(texts, texts)
def test_names_of_documents_show_as_they_are_and_uploads_can_be_removed(name, other):
    lines = [
        Line(document_id="1", document=name, is_upload=True), Line(document_id="2", document=other),
    ]  # fmt: skip
    page = document_list(lines)
    assert_only_ours(page)
    assert f"{name}1 passage×" in stripped(page)
    assert re.findall(r'data-document="(.*?)"', page) == ["1"]
    assert unescape(page).count(f'aria-label="Remove {name}"') == 1


def test_a_quote_whose_source_has_changed_says_so_and_marks_nothing():
    card = exchange_html(answered("one", quote(0, 3)), 0).split("q-card ")[1]
    assert "The source has changed since; this text is no longer there." in stripped(card)
    assert "<mark" not in card


def test_a_long_line_of_questions_says_how_many_are_ahead():
    shown = stripped(exchange_html(Exchange(question="q", num_ahead=2), 0))
    assert "Waiting for its turn: 2 questions ahead" in shown


def test_an_empty_library_says_what_to_do():
    assert "No documents yet" in document_list([])


def test_the_page_never_claims_to_have_verified():
    page = exchange_html(replace(answered("one", quote(0, 3)), stats=STATS), 0)
    assert "Copied from" in page
    assert "verif" not in page.lower()
