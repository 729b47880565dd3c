"""Books read chapter by chapter in the order of their spine; nothing outside of them is touched."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.epubs import chapter, make_epub
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.loaders import load

CONTENTS = (
    '<nav epub:type="toc"><ol><li><a href="one.xhtml#top">One</a></li>'
    '<li><a href="part%20two.xhtml">Part Two</a></li></ol></nav>'
)
CHAPTERS = {
    "part two.xhtml": chapter("<p>Part Two</p><p>Second words.</p>"),
    "one.xhtml": chapter("<h1>One</h1><p>First <a id='x'/>words.</p><h2>Sub</h2><p>More.</p>"),
    "three.xhtml": chapter("<p>Third words.</p>"),
}
SPINE = ["one.xhtml", "part two.xhtml", "three.xhtml"]


def test_chapters_come_in_the_order_of_the_spine_with_their_titles() -> None:
    document = load("a.epub", make_epub(CHAPTERS, spine=SPINE, contents=CONTENTS))
    assert document.text == (
        "One\n\nFirst words.\n\nSub\n\nMore.\n\nPart Two\n\nSecond words.\n\nThird words."
    )
    assert document.title == "A Book"
    assert [(each.level, each.title) for each in document.headings] == [
        (1, "One"), (2, "Sub"), (1, "Part Two"),
    ]  # fmt: skip
    assert [(each.start, each.label) for each in document.locations] == [
        (0, "One"), (document.text.index("Part"), "Part Two"),
    ]  # fmt: skip


def test_without_contents_chapters_are_numbered_and_no_heading_lasts_too_long() -> None:
    document = load("a.epub", make_epub(CHAPTERS, spine=SPINE))
    assert [each.label for each in document.locations] == ["chapter 1", "chapter 2", "chapter 3"]
    assert [(each.level, each.title) for each in document.headings] == [
        (1, "One"), (2, "Sub"), (1, ""), (1, ""),
    ]  # fmt: skip


def test_the_older_contents_are_read() -> None:
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>I. Old'
        '</text></navLabel><content src="one.xhtml"/></navPoint></navMap></ncx>'
    )
    book = make_epub({"one.xhtml": chapter("<p>words</p>")}, ncx=ncx)
    assert [each.label for each in load("a.epub", book).locations] == ["I. Old"]


def test_a_book_is_known_by_its_content() -> None:
    assert load("a.zip", make_epub(CHAPTERS)).format == "epub"


@pytest.mark.parametrize(
    "reference",
    ["../../secret.xhtml", "/etc/passwd", "http://127.0.0.1:9/x.html", "file:///etc/passwd",
     "missing.xhtml", "..%2F..%2Fetc/passwd", "", ".", "one.xhtml", "data:text/html,<p>evil"],
)  # fmt: skip
def test_references_that_lead_nowhere_are_passed_over(reference: str) -> None:
    spine = [reference, "one.xhtml", reference, "one.xhtml"]
    document = load("a.epub", make_epub({"one.xhtml": CHAPTERS["one.xhtml"]}, spine=spine))
    assert document.text == "One\n\nFirst words.\n\nSub\n\nMore."


def lock(algorithm: str) -> dict[str, str]:
    return {
        "META-INF/encryption.xml": '<encryption xmlns="urn:x"><EncryptedData>'
        f'<EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>'
    }


def test_locked_books_are_refused_and_hidden_fonts_are_no_lock() -> None:
    with pytest.raises(DocumentError, match="DRM"):
        load(
            "a.epub", make_epub(CHAPTERS, replaced=lock("http://www.w3.org/2001/04/xmlenc#aes128"))
        )
    fonts = lock("http://www.idpf.org/2008/embedding")
    assert load("a.epub", make_epub(CHAPTERS, replaced=fonts)).text


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><package><title>&b;</title></package>'
)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"META-INF/container.xml": "<container/>"}, "does not say where"),
        ({"META-INF/container.xml": "no xml"}, "broken"),
        ({"OEBPS/book.opf": BOMB}, "not safe"),
        ({"OEBPS/book.opf": "<package/>"}, "no text"),
    ],
)
def test_broken_books_are_refused(extra: dict[str, str], reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        load("a.epub", make_epub(CHAPTERS, replaced=extra))


def test_declared_encodings_and_entities_are_read() -> None:
    latin = '<?xml version="1.0" encoding="iso-8859-1"?><html><body><p>Caf\xe9&nbsp;&mdash;</p>'
    book = make_epub({"one.xhtml": "x"}, replaced={"OEBPS/one.xhtml": latin.encode("latin-1")})
    assert load("a.epub", book).text == "Café —"


WORDS = st.text(st.sampled_from("abc é\u0301<&>'\"/"), min_size=1, max_size=20)


@settings(max_examples=40)
@given(st.lists(WORDS, min_size=1, max_size=5))
def test_chapters_come_out_in_order_where_they_are_said_to_stand(texts: list[str]) -> None:
    marked = [f"a{text}z" for text in texts]
    files = {f"{at}.xhtml": chapter(f"<p>{escape(text)}</p>") for at, text in enumerate(marked)}
    document = load("a.epub", make_epub(files))
    place = 0
    for location, text in zip(document.locations, marked, strict=True):
        wanted = " ".join(canonical_text(text).split())
        place = document.text.index(wanted, place)
        assert location.start == place
        place += len(wanted)
