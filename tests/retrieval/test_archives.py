"""Archives and XML of unknown origin cost no more than they may, and leave the machine alone."""

import io
import struct
import time
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.errors import DocumentError
from quoth.retrieval.documents import MEBIBYTE, LoadLimits
from quoth.retrieval.loaders.archives import Archive
from quoth.retrieval.loaders.safe_xml import parse_xml, xml_elements

LIMITS = LoadLimits()
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def patched(content: bytes, offset: int, value: bytes) -> bytes:
    """`content` with a field of its first directory entry overwritten."""
    at = content.index(b"PK\x01\x02") + offset
    return content[:at] + value + content[at + len(value) :]


@given(
    st.dictionaries(
        st.text("abc/xyz", min_size=1).filter(lambda n: "/" not in (n[0], n[-1])),
        st.binary(max_size=300),
        max_size=5,
    )
)
def test_what_was_packed_comes_out(files: dict[str, bytes]) -> None:
    archive = Archive(zipped(files), LIMITS)
    assert list(archive) == list(files)
    for name, content in files.items():
        assert name in archive
        assert archive.read(name) == b"".join(archive.pieces(name)) == content


def test_names_are_found_as_office_programs_find_them() -> None:
    archive = Archive(zipped({"Word\\Document.XML": b"x", "word/": b""}), LIMITS)
    assert "word/document.xml" in archive
    assert archive.read("word/document.xml") == b"x"
    with pytest.raises(DocumentError, match=r"'word/other\.xml' within it is missing"):
        archive.read("word/other.xml")


def bomb_of_nothing() -> bytes:
    return zipped({"a.xml": b"\0" * (20 * MEBIBYTE)})


def overlapping() -> bytes:
    """Two directory entries that lead to the same bytes."""
    content = zipped({"a": b"x" * 50, "b": b"y" * 50}, zipfile.ZIP_STORED)
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    return content[: second + 42] + struct.pack("<L", 10) + content[second + 46 :]


HOSTILE = {
    "ratio": (bomb_of_nothing(), "zip bomb: .* would unpack to 20,971,520; a ratio of 200"),
    "shared bytes": (overlapping(), "share their bytes"),
    "encrypted": (patched(zipped({"a": b"x"}), 8, b"\x01\x00"), "encrypted"),
    "method": (zipped({"a": b"x"}, zipfile.ZIP_LZMA), "packed in an unusual way"),
    "way out": (zipped({"../../etc/passwd": b"x"}), "leads out"),
    "way out, Windows": (zipped({"a\\..\\..\\b": b"x"}), "leads out"),
    "absolute": (zipped({"/etc/passwd": b"x"}), "leads out"),
    "drive": (zipped({"C:\\a": b"x"}), "leads out"),
    "truncated": (zipped({"a": b"x" * 99})[:60], "zip directory cannot be read"),
    "no archive": (b"PK\x03\x04 and nothing more", "zip directory cannot be read"),
    "twice": (zipped({"a/b": b"x", "A/B": b"y"}), "two files named 'A/B'"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused_before_they_are_unpacked(kind: str) -> None:
    content, reason = HOSTILE[kind]
    with pytest.raises(DocumentError, match=reason):
        Archive(content, LIMITS)


def test_limits_are_limits() -> None:
    content = zipped({str(n): b"12345" for n in range(4)})
    Archive(content, LoadLimits(max_entries=4, max_unpacked_bytes=20, max_part_bytes=5)).read("0")
    with pytest.raises(DocumentError, match="more than 3 files"):
        Archive(content, LoadLimits(max_entries=3))
    with pytest.raises(DocumentError, match="unpack to 20 bytes, and 19 are allowed"):
        Archive(content, LoadLimits(max_unpacked_bytes=19))
    with pytest.raises(DocumentError, match="'0' within it has 5 bytes, and 4 are allowed"):
        Archive(content, LoadLimits(max_part_bytes=4)).read("0")


def test_reading_the_same_again_and_again_is_a_bomb_too() -> None:
    archive = Archive(zipped({"a": b"12345"}), LoadLimits(max_unpacked_bytes=5))
    assert archive.read("a") == b"".join(archive.pieces("a")) == b"12345"
    with pytest.raises(DocumentError, match="refer to each other so often"):
        archive.read("a")
    with pytest.raises(DocumentError, match="refer to each other so often"):
        list(archive.pieces("a"))


@pytest.mark.parametrize("size", [3, 10**6])
def test_an_entry_that_lies_about_its_size_gives_no_more_than_it_said(size: int) -> None:
    content = patched(zipped({"a": b"x" * 5 * MEBIBYTE}), 24, struct.pack("<L", size))
    archive = Archive(content, LIMITS)
    for read in (archive.read, lambda name: b"".join(archive.pieces(name))):
        with pytest.raises(DocumentError, match="'a' within it cannot be unpacked"):
            read("a")


def test_no_more_is_unpacked_than_an_entry_said() -> None:
    """All of it was unpacked before it was cut to size: gigabytes, of an archive of 1 MB."""
    content = patched(zipped({"a": b"x" * 40 * MEBIBYTE}), 24, struct.pack("<L", 3))
    archive = Archive(content, LIMITS)
    tracemalloc.start()
    with pytest.raises(DocumentError, match="cannot be unpacked"):
        archive.read("a")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * MEBIBYTE


@given(st.integers(0, 200), st.binary(min_size=1, max_size=8))
def test_a_damaged_archive_is_refused_or_read(place: int, noise: bytes) -> None:
    """Whatever bytes are overwritten: an answer or a reason, no other exception."""
    content = zipped({"a.xml": b"<a/>", "b/c": b"some text" * 9})
    content = content[:place] + noise + content[place + len(noise) :]
    with suppress(DocumentError):
        archive = Archive(content, LIMITS)
        for name in archive:
            archive.read(name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize(
    "prologue",
    [
        LAUGHS,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
        '<!-- a comment --><!DOCTYPE a [<!ENTITY l9 "y">]>',
        " " * 70_000 + '<!DOCTYPE a [<!ENTITY l9 "y">]>',
    ],
)
def test_entities_are_refused(prologue: str, encoding: str, allows: bool) -> None:
    name = "l9" if "l9" in prologue else "x"
    content = f"{prologue}<a>&{name};</a>".encode(encoding)
    started = time.process_time()
    with pytest.raises(DocumentError, match="not safe"):
        parse_xml(content, allows_doctype=allows)
    with pytest.raises(DocumentError, match="not safe"):
        list(xml_elements([content], ("a",)))
    assert time.process_time() - started < 1


def test_a_doctype_that_declares_nothing_is_a_choice() -> None:
    page = b'<!DOCTYPE html PUBLIC "x" "http://127.0.0.1:1/x.dtd"><html>text</html>'
    assert parse_xml(page, allows_doctype=True).text == "text"
    with pytest.raises(DocumentError, match="DOCTYPE"):
        parse_xml(page)


@pytest.mark.parametrize("content", [b"", b"<a>", b"text", b"<a></b>", b"<a>" * 100_000, b"\0\1"])
def test_broken_xml_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentError, match="XML within it cannot be read"):
        parse_xml(content)
    with pytest.raises(DocumentError, match="XML within it cannot be read"):
        list(xml_elements([content], ("a",)))


@given(st.integers(0, 40), st.integers(1, 700))
def test_elements_come_once_and_in_order_however_the_pieces_fall(count: int, size: int) -> None:
    rows = "".join(f"<r><c>{n}</c></r>" for n in range(count))
    content = f"<?xml version='1.0'?><!-- c --><s><x/>{rows}<y/></s>".encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert [row[0].text for row in xml_elements(pieces, ("r",))] == [*map(str, range(count))]


def test_elements_that_were_seen_are_not_kept() -> None:
    rows = xml_elements([b"<s>" + b"<r><c/></r>" * 50, b"</s>"], ("r",))
    assert max(len(row.getparent()) for row in rows if row.getnext() is None) <= 2
