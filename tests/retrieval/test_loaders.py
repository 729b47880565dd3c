"""Files become the text that a reader sees, or are refused with a plain reason."""

import time

import pytest

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders import load


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_in_usual_encodings(encoding: str) -> None:
    text = "Café – “quoted” words of a naïve reader, and more of them."
    assert load("a.txt", text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\xef\xbb\xbf", "empty: it holds no text"),
        (bytes(range(256)) * 4, "binary"),
        (b"text\0with\0many\0zeros\0" * 9, "binary"),
        (b"\x89PNG\r\n\x1a\n0000", "image"),
        (b"PK\x03\x04rest", "zip"),
        (b"\xff\xfe\x00\xd8\x00", "utf-16"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        load("a.txt", content)


def test_an_unknown_suffix_is_read_if_its_content_is_text() -> None:
    assert load("notes.xyz", b"plain words").format == "text"
    with pytest.raises(DocumentError, match="binary"):
        load("notes.xyz", b"\x00\x01\x02" * 50)


def test_a_pdf_is_known_by_its_content() -> None:
    with pytest.raises(DocumentError, match="broken"):
        load("notes.txt", b"%PDF-1.4 but not really")


def test_size_is_limited() -> None:
    with pytest.raises(DocumentError, match="too large: more than the 10 bytes that are allowed"):
        load("a.txt", b"x" * 11, LoadLimits(max_bytes=10))
    with pytest.raises(DocumentError, match="too large: 11 characters"):
        load("a.txt", b"x" * 11, LoadLimits(max_chars=10))


def test_invisible_characters_go_and_newlines_are_one_kind() -> None:
    raw = "one\r\ntwo\rthree\u2028four\0 so\xadft \u202eevil\u202c \ufb01n e\u0301"
    assert load("a.txt", raw.encode()).text == "one\ntwo\nthree\nfour soft evil fin é"


def test_markdown_headings_are_found_outside_of_code_and_front_matter() -> None:
    text = (
        "---\ntitle: x\n# no\n---\n# One #\n\nText\n\n```sh\n# no\n```\n~~~\n# no\n\n~~~\n"
        "Two\n===\n\n- item\n---\n\n### Three\n#no\n"
    )
    document = load("a.md", text.encode())
    assert document.text == text
    assert [(h.level, h.title) for h in document.headings] == [(1, "One"), (1, "Two"), (3, "Three")]
    assert [text[a:b][:3] for a, b in document.kept_whole] == ["```", "~~~"]
    assert document.title == "One"


def test_titles_are_one_line_of_single_spaces() -> None:
    document = load("a.md", b"## One\ttitle  #\n\nTwo \t words\n===\n")
    assert [heading.title for heading in document.headings] == ["One title", "Two words"]


def test_rst_titles_get_levels_in_order_of_style() -> None:
    text = (
        "====\nBook\n====\n\nPart\n====\n\nSee::\n\n    No\n    ==\n\nSub\n---\n\nPart 2\n======\n"
    )
    document = load("a.rst", text.encode())
    assert [(h.level, h.title) for h in document.headings] == [
        (1, "Book"), (2, "Part"), (3, "Sub"), (2, "Part 2"),
    ]  # fmt: skip
    assert [text[a:b] for a, b in document.kept_whole] == ["    No\n    =="]


def test_code_definitions_are_headings() -> None:
    text = "import os\n\nclass A(B):\n    def inner(self): ...\n\nasync def f(x):\n    pass\n"
    document = load("a.nim", text.encode())
    assert document.text == text
    assert [h.title for h in document.headings] == ["class A", "async def f"]


HTML = """<html><head><title>The  Title</title><style>p {}</style></head><body>
<nav>Menu</nav><script>alert(1)</script><!-- comment --><h1>Head <i>line</i></h1>
<p>One\n  two<br>three &amp; caf&#101;&#769;</p><ul><li>a</li><li><p>b</p></li></ul>
<ol><li>x<li>y</ol><table><tr><th>H<th>I</tr><tr><td>1<td>2</tr></table>
<pre>def f():
    pass</pre><p hidden>secret</p><p style="display: none">secret</p>
<p>&lt;script&gt;alert(2)<img src=x onerror=alert(3)></p></body></html>"""


def test_html_gives_what_a_reader_sees() -> None:
    document = load("a.html", HTML.encode())
    assert document.text.split("\n\n") == [
        "Head line", "One two\nthree & café", "- a", "- b", "1. x\n2. y", "H | I\n1 | 2",
        "def f():\n    pass", "<script>alert(2)",
    ]  # fmt: skip
    assert document.title == "The Title"
    [heading] = document.headings
    assert document.text[heading.start : heading.end] == heading.title == "Head line"
    [(start, end)] = document.kept_whole
    assert document.text[start:end].startswith("def f")


def test_html_in_its_own_encoding() -> None:
    page = '<meta charset="iso-8859-2"><p>Łódź</p>'
    assert load("a.html", page.encode("iso-8859-2")).text == "Łódź"


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", "unicode", "ucs-2", "utf\x00-8", "\x1b"])
def test_html_that_was_saved_in_another_encoding_than_it_says(charset: str) -> None:
    """It was read as UTF-16, in Chinese letters, or not at all: "a fault in its reader"."""
    page = f'<meta charset="{charset}"><p>Two caf\xe9s</p>'
    assert load("a.html", page.encode()).text == "Two caf\xe9s"
    assert load("a.html", b"\xff\xfe" + page.encode("utf-16-le")).text == "Two caf\xe9s"


def test_code_that_was_saved_in_another_encoding_than_it_says() -> None:
    assert (
        load("a.py", b"# coding: utf-16\nx = 'caf\xc3\xa9'").text == "# coding: utf-16\nx = 'café'"
    )


def test_html_without_visible_text_is_empty() -> None:
    with pytest.raises(DocumentError, match="holds no text"):
        load("a.html", b"<html><script>1</script></html>")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.py"])
@pytest.mark.parametrize("bit", ["#", "# ", "=", "`", ".", ". ", " ", "\n ", "a\u0301", "static "])
def test_hostile_repetition_takes_no_more_than_linear_time(name: str, bit: str) -> None:
    """Quadratic work on 50,000 characters takes minutes; linear work takes moments."""
    from quoth.retrieval.chunking import chunk_document

    started = time.process_time()
    document = load(name, f"x{bit * (50_000 // len(bit))}y z".encode())
    chunk_document(document)
    assert time.process_time() - started < 10


def test_deeply_nested_html_is_read() -> None:
    assert load("a.html", b"<div>" * 5_000 + b"deep").text == "deep"


PARAGRAPH = "word " * 6_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", f"<title>{PARAGRAPH}</title><h1>{PARAGRAPH}</h1><p>body</p>"),
        ("a.md", f"# {PARAGRAPH}\n\nbody"),
        ("a.md", f"{PARAGRAPH}\n===\n\nbody"),
        ("a.rst", f"{PARAGRAPH}\n{'=' * len(PARAGRAPH)}\n\nbody"),
    ],
)
def test_a_paragraph_set_as_a_heading_is_no_endless_title(name: str, content: str) -> None:
    """The file was refused because its title was too long to be passed on: "its reader crashed"."""
    document = load(name, content.encode())
    assert document.text.count("word") >= 6_000
    assert document.text.endswith("body")
    assert len(document.title) <= 1_000
    assert [heading.title.split()[0] for heading in document.headings] == ["word"]
    assert all(len(heading.title) <= 1_000 for heading in document.headings)
