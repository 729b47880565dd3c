"""Mail reads as who wrote what to whom; attachments stay closed, hostile headers harmless."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.loaders import load

HEAD = b"From: =?utf-8?q?J=C3=BCrgen?= <j@b.org>\r\nTo: A <a@b.org>,\r\n B <b@b.org>\r\n"


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"From": "a@b.org", "Subject": "Plans", **headers}.items():
        message[name] = value
    return message


def test_headers_come_first_and_the_subject_is_the_title() -> None:
    document = load(
        "a.eml",
        HEAD + b"Date: Fri, 20 Apr 2001 19:35:02 -0400\r\nX-Spam: no\r\n"
        b"Subject: =?iso-8859-1?Q?Caf=E9?=\r\n =?utf-8?b?IMWBw7Nkxbo=?=\r\n\r\n"
        b"Good.\r\n\r\nOn Monday B wrote:\r\n> Any news?\r\n",
    )
    assert document.text == (
        "From: Jürgen <j@b.org>\nTo: A <a@b.org>, B <b@b.org>\n"
        "Date: Fri, 20 Apr 2001 19:35:02 -0400\nSubject: Café Łódź\n\n"
        "Good.\n\nOn Monday B wrote:\n> Any news?"
    )
    assert document.title == "Café Łódź"
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "Café Łódź")]
    assert document.locations == ()  # one message is the file


def test_plain_text_is_preferred_where_it_says_as_much() -> None:
    message = mail()
    message.set_content("Plain words of the mail.")
    message.add_alternative("<h1>Rich</h1><p>words of the mail.</p>", subtype="html")
    assert load("a.eml", bytes(message)).text.endswith("Plans\n\nPlain words of the mail.")
    stub = mail()
    stub.set_content("Needs HTML.")
    stub.add_alternative("<p>" + "real words " * 20 + "</p>", subtype="html")
    assert "real words" in load("a.eml", bytes(stub)).text


def test_a_calendar_entry_is_no_better_than_the_words_and_an_unreadable_part_no_hindrance() -> None:
    message = mail()
    message.set_content("Lunch at noon?")
    message.add_alternative(b"\0\1\2" * 99, maintype="text", subtype="html")
    message.add_alternative("BEGIN:VCALENDAR " * 40, subtype="calendar")
    assert load("a.eml", bytes(message)).text.endswith("\n\nLunch at noon?")


def test_alternatives_within_alternatives_do_not_double_the_work() -> None:
    """Choosing anew at each of 40 levels would take 2^40 steps."""
    part = EmailMessage()
    part.set_content("<p>" + "the deepest words " * 9 + "</p>", subtype="html")
    for _ in range(40):
        outer, stub = EmailMessage(), EmailMessage()
        stub.set_content("See below.")
        outer.make_alternative()
        outer.attach(stub)
        outer.attach(part)
        part = outer
    part["Subject"] = "Deep"
    assert "the deepest words" in load("a.eml", bytes(part)).text


def test_alternatives_within_alternatives_are_weighed_once() -> None:
    """The page in the innermost one was parsed once for each of those around it: minutes."""
    raw = "Subject: s\n"
    for depth in range(60):
        raw += f'Content-Type: multipart/alternative; boundary="b{depth}"\n\n--b{depth}\n'
        raw += f"Content-Type: text/plain\n\nw\n--b{depth}\n"
    raw += "Content-Type: text/html\n\n" + "<p>word</p>" * 8_000
    started = time.process_time()
    assert load("a.eml", raw.encode()).text.count("word") == 8_000
    assert time.process_time() - started < 10


def test_html_alone_is_read_with_its_quotes_marked() -> None:
    message = mail()
    message.set_content(
        "<h2>News</h2><p>Yes.</p><blockquote>Any?<blockquote>Old<br>lines</blockquote>"
        "</blockquote><footer>Regards</footer><script>no</script>",
        subtype="html",
    )
    document = load("a.eml", bytes(message))
    assert document.text.endswith("\n\nNews\n\nYes.\n\n> Any?\n\n>> Old\n>> lines\n\nRegards")
    assert [heading.title for heading in document.headings] == ["Plans", "News"]


def test_a_page_saved_as_mail_is_its_text() -> None:
    page = (
        b"Subject: Page\nContent-Type: multipart/related; boundary=b\n\n--b\n"
        b"Content-Type: text/html\n\n<p>Words.</p>\n--b\nContent-Type: text/css\n\np {}\n--b\n"
        b"Content-Type: image/png\nContent-Location: a.png\n\nxx\n--b--\n"
    )
    assert load("a.mhtml", page).text == "Subject: Page\n\nWords."


def test_attachments_are_named_and_not_opened() -> None:
    message = mail()
    message.set_content("See the files.")
    message.add_attachment(b"PK\3\4", maintype="application", subtype="zip", filename="ü.zip")
    message.add_attachment("secret words", filename="notes.txt")
    document = load("a.eml", bytes(message))
    assert "Attachment: ü.zip (application/zip)" in document.text
    assert "Attachment: notes.txt (text/plain)" in document.text
    assert "secret" not in document.text


def test_messages_within_follow_and_are_numbered() -> None:
    inner = mail(Subject="Inner")
    inner.set_content("Inner words.")
    outer = mail(Subject="Outer")
    outer.set_content("Outer words.")
    outer.add_attachment(inner)
    document = load("a.eml", bytes(outer))
    second = document.text.index("From: a@b.org\nSubject: Inner\n\nInner words.")
    assert [(each.start, each.label) for each in document.locations] == [
        (0, "message 1"), (second, "message 2"),
    ]  # fmt: skip
    assert [heading.title for heading in document.headings] == ["Outer", "Inner"]


def test_a_mailbox_holds_messages() -> None:
    box = (
        b"From a@b Fri Apr 20\nFrom: a\nSubject: One\n\nFirst.\n>From here on quoted.\n\n"
        b"From b@b Fri Apr 20\nSubject: Two\n\nSecond. From me.\nFrom the start.\n"
    )
    document = load("a.mbox", box)
    assert "\nFrom here on quoted." in document.text
    assert "Second. From me.\nFrom the start." in document.text
    assert [each.label for each in document.locations] == ["message 1", "message 2"]
    assert load("a.mbox", box.replace(b"\n", b"\r\n")).text == document.text


@pytest.mark.parametrize(
    ("charset", "written"),
    [("utf-8", "utf-8"), ("koi8-r", "koi8-r"), ("nonsense", "utf-8"), ("punycode", "utf-8"),
     ("rot13", "utf-8"), ("us-ascii", "utf-8"), ("utf-8", "cp1251")],
)  # fmt: skip
def test_bodies_are_decoded_or_said_to_be_unreadable(charset: str, written: str) -> None:
    body = "Слово и ещё слова".encode(written)
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\n\n".encode()
    text = load("a.eml", head + body).text
    assert ("Слово" in text) or ("not readable" in text)
    assert ("not readable" in text) == (written == "cp1251")


def test_only_charsets_of_texts_decode() -> None:
    head = b"Subject: x\nContent-Type: text/plain; charset=unicode_escape\n\n"
    assert load("a.eml", head + b"Costs \\u0041.").text.endswith("Costs \\u0041.")


HOSTILE = {
    "long header": b"Subject: " + b"a, " * 300_000,
    "many headers": b"To: a\n" * 100_000,
    "encoded words": b"Subject: " + b"=?utf-8?b?w6k=?= " * 30_000,
    "broken word": b"Subject: =?utf-8?b?a?= =?x?q?=FF?= =?utf-8?q?=E?=",
    "raw bytes": b"Subject: caf\xe9 \xff\xfe",
    "comments": b"From: " + b"(" * 50_000,
    "content type": b"Subject: x\nContent-Type: " + b"a/b;" * 50_000 + b"c=d",
    "no boundary": b"Subject: x\nContent-Type: multipart/mixed",
    "empty boundary": b'Subject: x\nContent-Type: multipart/mixed; boundary=""',
    "parameters": b"Subject: x\nContent-Type: text/plain; charset*0*=utf-8''%ZZ; charset*1=\xff",
    "name": b"Subject: x\nContent-Disposition: attachment; filename*=nonsense''%FF%FE",
    "transfer": b"Subject: x\nContent-Transfer-Encoding: base64",
    "uuencode": b"Subject: x\nContent-Transfer-Encoding: x-uuencode",
    "newlines": b"Subject: a\rb\n\rc: d",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_headers_are_harmless(name: str) -> None:
    started = time.process_time()
    document = load("a.eml", HOSTILE[name] + b"\n\nThe body itself.\n" + b"x" * 99)
    assert document.text
    assert len(document.text) < 40_000 + 99 or name in {"comments", "encoded words"}
    assert canonical_text(document.text) == document.text
    assert time.process_time() - started < 10


@pytest.mark.parametrize("kind", ["multipart/mixed", "message/rfc822"])
@pytest.mark.parametrize("depth", [50, 3_000])
def test_deep_nesting_is_read_or_kept_as_text(kind: str, depth: int) -> None:
    head = b"Subject: deep\n"
    for level in range(depth):
        border = b"; boundary=b%d" % level if kind.startswith("multipart") else b""
        start = b"--b%d\n" % level if border else b""
        head += b"Content-Type: " + kind.encode() + border + b"\n\n" + start
    document = load("a.eml", head + b"\nThe deep body.\n")
    assert "The deep body." in document.text


def test_what_is_no_mail_is_text_or_refused() -> None:
    assert load("a.eml", b"Just some words\n\nand more.").text.startswith("Just some words")
    with pytest.raises(DocumentError, match="binary"):
        load("a.eml", b"\0\1\2\3" * 99)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)


@settings(max_examples=40)
@given(st.lists(WORDS, min_size=1, max_size=5))
def test_parts_come_out_in_order(bodies: list[str]) -> None:
    message = mail()
    message.make_mixed()
    for body in bodies:
        part = EmailMessage()
        part.set_content(f"|{body}|")
        message.attach(part)
    text = load("a.eml", bytes(message)).text
    place = 0
    for body in bodies:
        wanted = canonical_text(f"|{body}|")
        place = text.index(wanted, place) + len(wanted)
