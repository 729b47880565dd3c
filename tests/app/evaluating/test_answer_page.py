"""The page: hostile text stays text, nothing is loaded, and the pieces are the text."""

import base64
import hashlib
import re
from dataclasses import replace

from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.figures import figures_by_domain
from quoth.app.evaluating.answers.judging import Given, judge
from quoth.app.evaluating.answers.page import gold_spans, pieces, write_page
from quoth.app.evaluating.answers.questions import AnswerQuestion
from quoth.types import Citation, Passage

EVIL = "</p><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}{% raw %}"
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "span", "nav", "ul"),
    *("li", "a", "section", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("article", "details", "summary"),
}


def evil_answer() -> Asked:
    text = f"[1] {EVIL}"
    passage = Passage(
        id="p", document_id="d", document=EVIL, text=EVIL, start=7, end=7 + len(EVIL), heading=EVIL
    )
    question = AnswerQuestion(
        id=EVIL,
        domain=EVIL,
        question=EVIL,
        kind="answerable",
        answers=("ALERT(1)",),
        history=((EVIL, EVIL),),
    )
    citation = Citation(
        start=4, end=len(text), source_id="d", source_start=7, source_end=passage.end, document=EVIL
    )
    answer = Given(text=text, passages=(passage,), citations=(citation,), is_cut_off=True)
    return Asked(
        k=3,
        question=question,
        given=answer,
        verdict=judge(question, answer),
        tokens=9,
        first_s=0.1,
        seconds=0.2,
    )


def test_hostile_text_stays_text(tmp_path) -> None:
    path, one = tmp_path / "page.html", evil_answer()
    other = replace(one, question=replace(one.question, id="2", domain="other"))
    group = [one, other]
    write_page(path, {3: group}, {3: figures_by_domain(group)}, title=EVIL)
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    assert {tag.name for tag in soup.find_all(True)} == ALLOWED
    assert not [name for tag in soup.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert all(tag["href"].startswith("#") for tag in soup.find_all("a"))
    assert not soup.find_all(src=True)
    assert soup.title is not None
    assert soup.title.text == EVIL
    article = soup.article
    assert article is not None
    assert article.select_one(".answer").text == f"[1] {EVIL}"
    assert article.select_one("details .text").text == EVIL
    assert [mark.text for mark in article.select("details .gold")] == ["alert(1)", "alert(1)"]
    assert article.select_one(".answer .number").text == "[1]"
    assert "Names passage 1: right." in article.text
    assert "Cut off by the limit" in article.text


def test_the_page_forbids_itself_all_but_its_own_style(tmp_path) -> None:
    path, one = tmp_path / "page.html", evil_answer()
    write_page(path, {3: [one]}, {3: figures_by_domain([one])}, title="t")
    text = path.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    style = re.search(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "url(" not in style[1]
    assert "@import" not in style[1]


SPANS = st.lists(st.tuples(st.integers(-3, 30), st.integers(-3, 30), st.sampled_from("abc")))


@given(st.text(max_size=25), SPANS)
def test_the_pieces_are_the_text(text, spans) -> None:
    cut = pieces(text, spans)
    assert "".join(piece.text for piece in cut) == text
    at = 0
    for piece in cut:
        for start, end, name in spans:
            covers = start < end and start <= at and at + len(piece.text) <= end and piece.text
            assert not covers or name in piece.names
        at += len(piece.text)


def test_gold_answers_are_marked_as_they_are_found() -> None:
    assert gold_spans("a Twenty\n four b", ["twenty four"]) == [(2, 14, "gold")]
    assert gold_spans("(a+b)", ["A+B"]) == [(1, 4, "gold")]
