"""EPUB books (2 and 3): the chapters of the spine, in order. Nothing outside of the file is read.

References that lead out of the book, to the network or to nothing are passed over.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.archives import Archive
from quoth.retrieval.loaders.assembly import Assembly
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.decode import decode_declared
from quoth.retrieval.loaders.html import html_document
from quoth.retrieval.loaders.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml import etree

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Fonts may be obfuscated in books that anybody can read; any other encryption is a lock.
_OBFUSCATIONS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_ENCODING = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding=["']([-\w.]{1,40})""")
_MAX_LABEL = 80


def load_epub(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a book; the title is that of its metadata, places are chapters.

    Raises:
        DocumentError: It is broken, locked (DRM), or not to be trusted.
    """
    book = _Book(Archive(content, limits))
    assembly = Assembly(limits)
    label_before = ""
    for number, (name, label) in enumerate(book.chapters(), 1):
        chapter = html_document(book.markup(name), is_page=False)
        start, end = assembly.place_of(chapter.text)
        if start == end:
            continue
        if label or not label_before:  # chapters of many files have a title in the first one
            assembly.locate(start, label or f"chapter {number}")
            _head(assembly, chapter, start, label)
        assembly.append_document(chapter)
        label_before = label or label_before
    return assembly.document(format="epub", title=book.title)


def _head(assembly: Assembly, chapter: LoadedDocument, start: int, label: str) -> None:
    """A chapter that does not begin with a heading is none of the chapter before."""
    if chapter.headings and chapter.headings[0].start == 0:
        return
    first_line = chapter.text.split("\n", 1)[0]
    title = first_line if first_line == label else ""
    assembly.head(start, start + len(first_line), level=1, title=title)


class _Book:
    """The package document of a book, and what it refers to."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        _refuse_locked(archive)
        self._place = _package_place(archive)
        self._package = parse_xml(archive.read(self._place), allows_doctype=True)
        self._items = {
            item.get("id", ""): item for item in _named(self._package, "item") if item.get("href")
        }

    @property
    def title(self) -> str:
        """The first title in the metadata."""
        titles = ("".join(map(str, each.itertext())) for each in _named(self._package, "title"))
        return next((one_line(title) for title in titles if title.strip()), "")

    def chapters(self) -> Iterator[tuple[str, str]]:
        """Name of each text in reading order, once, and what the table of contents calls it."""
        labels = self._labels()
        seen: set[str] = set()
        for reference in _named(self._package, "itemref"):
            item = self._items.get(reference.get("idref", ""))
            name = self._resolved(item) if item is not None else None
            if name is None or name in seen or not _is_text(item, name) or _is_contents(item):
                continue
            seen.add(name)
            yield name, labels.get(name, "")

    def markup(self, name: str) -> str:
        """A chapter, decoded. It is read as HTML, whose parser takes XHTML as it comes."""
        content = self._archive.read(name)
        return decode_declared(content, _ENCODING.match(content))

    def _labels(self) -> dict[str, str]:
        """Titles of texts by the table of contents: the navigation of EPUB 3, else the NCX."""
        labels: dict[str, str] = {}
        for reads, is_kind in ((self._navigation, _is_contents), (self._ncx, _is_ncx)):
            item = next((item for item in self._items.values() if is_kind(item)), None)
            name = self._resolved(item) if item is not None else None
            for target, label in reads(name) if name else ():
                place = self._inside(str(name), target)
                if place is not None and label:
                    labels.setdefault(place, label[:_MAX_LABEL].rstrip())
        return labels

    def _navigation(self, name: str) -> list[tuple[str, str]]:
        return _navigation(self.markup(name))

    def _ncx(self, name: str) -> list[tuple[str, str]]:
        return _ncx(self._archive.read(name))

    def _resolved(self, item: "etree._Element") -> str | None:
        return self._inside(self._place, str(item.get("href", "")))

    def _inside(self, base: str, reference: str) -> str | None:
        """The file that `reference` in `base` means; None where it is not in the book."""
        path = unquote(reference.partition("#")[0])
        name = posixpath.normpath(posixpath.join(posixpath.dirname(base), path))
        return name if path and name in self._archive else None


def _refuse_locked(archive: Archive) -> None:
    if _ENCRYPTION not in archive:
        return
    methods = _named(parse_xml(archive.read(_ENCRYPTION)), "EncryptionMethod")
    if any(method.get("Algorithm") not in _OBFUSCATIONS for method in methods):
        raise DocumentError("encrypted: the book is locked (DRM), and cannot be read")


def _package_place(archive: Archive) -> str:
    roots = _named(parse_xml(archive.read(_CONTAINER), allows_doctype=True), "rootfile")
    places = [posixpath.normpath(str(root.get("full-path", ""))) for root in roots]
    found = next((place for place in places if place in archive), None)
    if found is None:
        raise DocumentError("broken: the book does not say where its contents stand")
    return found


def _named(root: "etree._Element", name: str) -> "Iterator[etree._Element]":
    """Elements of this name, whatever their namespace."""
    return (node for node in root.iter() if str(node.tag).rpartition("}")[2] == name)


def _is_text(item: "etree._Element | None", name: str) -> bool:
    kind = str(item.get("media-type", "")) if item is not None else ""
    return "html" in kind or name.lower().endswith((".html", ".xhtml", ".htm"))


def _is_contents(item: "etree._Element | None") -> bool:
    return item is not None and "nav" in item.get("properties", "").split()


def _is_ncx(item: "etree._Element") -> bool:
    return bool(item.get("media-type") == "application/x-dtbncx+xml")


def _navigation(markup: str) -> list[tuple[str, str]]:
    """Target and title of each link in a table of contents."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    navs = soup.find_all("nav", attrs={"epub:type": "toc"}) or soup.find_all("nav")
    return [
        (str(link.get("href") or ""), one_line(link.get_text()))
        for nav in navs[:1]
        for link in nav.find_all("a")
    ]


def _ncx(content: bytes) -> list[tuple[str, str]]:
    """Target and title of each point in a table of contents of EPUB 2."""
    points = []
    for point in _named(parse_xml(content, allows_doctype=True), "navPoint"):
        target = next((each.get("src", "") for each in point if _is(each, "content")), "")
        label = next(
            ("".join(map(str, each.itertext())) for each in point if _is(each, "navLabel")), ""
        )
        points.append((target, one_line(label)))
    return points


def _is(node: "etree._Element", name: str) -> bool:
    return str(node.tag).rpartition("}")[2] == name
