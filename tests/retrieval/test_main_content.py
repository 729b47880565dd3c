"""Of web pages the content is read and what stands around it left out; nothing said is lost."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.retrieval.loaders import load
from quoth.retrieval.loaders.html import html_document

WORDS = "Real content with words of its own, one after the other. " * 6
MENU = "".join(f'<li><a href="/{n}">Entry {n}</a></li>' for n in range(12))


def read(body: str) -> str:
    return load("a.html", f"<html><body>{body}</body></html>".encode()).text


NEWS = f"""<a class="skip-link" href="#main">Skip to content</a>
<div id="cookie-banner"><p>{"We value your privacy and use cookies. " * 9}</p><a>Accept</a></div>
<header class="site-header"><a href="/">The Paper</a><ul class="menu">{MENU}</ul></header>
<div class="breadcrumbs"><a href="/">Home</a> &gt; <a href="/news">News</a></div>
<main><article><header><h1>Bridge opens</h1><p>By A. Writer</p></header>
<p>{WORDS}</p><div class="share-buttons"><a>Tweet</a> <a>Mail</a></div>
<aside class="note"><p>A note that belongs here.</p></aside><p>{WORDS}</p>
<footer><p>Corrections: none so far.</p></footer></article>
<div class="related-articles"><h2>Read next</h2><ul>{MENU}</ul></div></main>
<aside><h2>Most read</h2><ul>{MENU}</ul></aside>
<div class="newsletter-signup"><p>Get our newsletter every morning.</p></div>
<footer><p>© 2024 The Paper. All rights reserved.</p><ul>{MENU}</ul></footer>"""


def test_of_an_article_only_the_article_is_read() -> None:
    assert read(NEWS).split("\n\n") == [
        "Bridge opens", "By A. Writer", WORDS.strip(), "A note that belongs here.", WORDS.strip(),
        "Corrections: none so far.",
    ]  # fmt: skip


def test_the_same_without_main_or_article() -> None:
    plain = NEWS.replace("main>", "div>").replace("article>", "div>")
    text = read(plain)
    assert text.startswith("Bridge opens")
    assert text.count(WORDS.strip()) == 2
    for gone in ("Entry 3", "privacy", "newsletter", "rights reserved", "Skip", "Home", "Tweet"):
        assert gone not in text


def test_headings_and_code_stay_at_their_places() -> None:
    page = f"<nav>{MENU}</nav><div class=sidebar>{MENU}</div><div role=main><h1>T<a href='#t'>¶</a>"
    document = load("a.html", f"{page}</h1><p>{WORDS}</p><pre>x = 1\n\ny</pre></div>".encode())
    [heading] = document.headings
    assert document.text[heading.start : heading.end] == heading.title == "T"
    [(start, end)] = document.kept_whole
    assert document.text[start:end] == "x = 1\n\ny"


KEPT = {
    "no marks": f"<h1>T</h1><p>{WORDS}</p><ul>{MENU}</ul>",
    "an index of links": f"<h1>Index</h1><table><tr><td><ul>{MENU}</ul></td></tr></table>",
    "a long footer": f"<p>{WORDS}</p><footer><p>{WORDS * 2}</p></footer>",
    "a long sidebar": f"<p>{WORDS}</p><div class=sidebar><p>{WORDS * 2}</p></div>",
    "words beside main": f"<p>Intro.</p><main><p>{WORDS}</p></main><p>{WORDS}</p><pre>x</pre>",
    "a section beside main": f"<main><p>{WORDS}</p></main><div><p>{WORDS * 2}</p></div>",
    "an empty main": f"<main></main><div><p>{WORDS}</p></div>",
    "a short main": f"<main><p>Hello.</p></main><div><p>{WORDS}</p></div>",
    "the title before main": f"<header><h1>T</h1><p>Lead.</p></header><main><p>{WORDS}</p></main>",
    "a page about cookies": f"<div class=cookie-info><h1>Cookies</h1><p>{WORDS * 3}</p></div>",
    "notes": f"<div role=main><p>{WORDS}</p><aside class=footnote><p>1. Note.</p></aside></div>",
    "an article and more": f"<p>Intro.</p><article>{WORDS}</article><section>Other.</section>",
    "everything in a footer": f"<footer>{WORDS}</footer>",
    "a lead beside main": f"<div>{WORDS[:200]}</div><main><p>{WORDS * 2}</p></main>",
    "a short page": "<p>The shop in the old town.</p><div class=sidebar>Open at nine.</div>",
    "many parts": "<p>Hello</p>" + "<div class=sidebar><p>Some words.</p></div>" * 5,
    "a form": f"<form><p>{WORDS}</p></form>",
}


@pytest.mark.parametrize("name", sorted(KEPT))
def test_pages_that_mark_nothing_around_lose_nothing(name: str) -> None:
    everything = html_document(KEPT[name], is_page=False)
    assert read(KEPT[name]) == everything.text


def test_signs_that_link_to_headings_are_no_words() -> None:
    page = "<h1>One<a class=headerlink href='#one'>¶</a></h1><p>See <a href='#n'>note [1]</a>.</p>"
    assert read(page) == "One\n\nSee note [1]."


def test_large_and_deep_pages_take_linear_time() -> None:
    started = time.process_time()
    assert read("<div class=sidebar><aside>" * 2_000 + "deep" + "</aside></div>") == "deep"
    assert "last" in read("<div class=menu><a>x</a></div><p>words</p>" * 5_000 + "last")
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "page", ["<main>w<div>" * 10_000, "<div>" * 2_000 + "<main>w</main>" * 10_000]
)
def test_many_marked_contents_take_linear_time(page: str) -> None:
    """For each of them all that is around it was gone through: minutes for 200 KB."""
    started = time.process_time()
    assert len(read(page).split()) == 10_000
    assert time.process_time() - started < 6


def test_long_names_are_told_from_banners_at_once() -> None:
    """Each underscore could end a word or be one of its letters: 2^40 ways, for one element."""
    started = time.process_time()
    read(f"<p>{WORDS}</p>" + f'<div class="{"a_" * 22}x">w</div>' * 20)
    assert time.process_time() - started < 2


TAGS = st.sampled_from(["div", "p", "main", "aside", "footer", "section", "a", "ul", "article"])
NAMES = st.sampled_from(["", "sidebar", "menu", "cookie-banner", "text", "share"])


@st.composite
def pages(draw: st.DrawFn, depth: int = 0) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if depth > 3 or draw(st.booleans()):
            parts.append(f" w{draw(st.integers(0, 999))} ")
            continue
        tag = draw(TAGS)
        parts.append(f'<{tag} class="{draw(NAMES)}">{draw(pages(depth + 1))}</{tag}>')
    return "".join(parts)


@settings(max_examples=60)
@given(pages())
def test_what_is_kept_is_in_order_and_at_least_half(page: str) -> None:
    everything = html_document(page, is_page=False).text.split()
    kept = iter(html_document(page, is_page=True).text.split())
    rest = [word for word in everything if word.startswith("w")]
    words = [word for word in kept if word.startswith("w")]
    coming = iter(rest)
    assert all(word in coming for word in words)  # a subsequence
