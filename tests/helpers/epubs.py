"""EPUB files made for tests."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
_XHTML = "application/xhtml+xml"


def chapter(body: str, head: str = "<title/><script/>") -> str:
    """A chapter as books hold it: XHTML with self-closed elements."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{head}</head><body>{body}</body></html>'
    )


def make_epub(
    chapters: Mapping[str, str],
    *,
    contents: str = "",
    ncx: str = "",
    spine: Sequence[str] | None = None,
    replaced: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A book of `chapters` by file name; `contents` is the body of its navigation document.

    `replaced` are further files, or other contents of these.
    """
    hrefs = [*chapters, *(() if spine is None else spine)]
    ids = {href: f"c{at}" for at, href in enumerate(dict.fromkeys(hrefs))}
    items = "".join(
        f'<item id="{name}" href="{escape(href)}" media-type="{_XHTML}"/>'
        for href, name in ids.items()
    )
    if ncx:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    nav = f'<item id="nav" href="nav.xhtml" properties="nav" media-type="{_XHTML}"/>'
    order = "".join(f'<itemref idref="{ids[href]}"/>' for href in spine or chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A Book</dc:title>'
        f"</metadata><manifest>{items}{nav if contents else ''}</manifest>"
        f"<spine>{order}</spine></package>"
    )
    files: dict[str, str | bytes] = {
        "META-INF/container.xml": _CONTAINER,
        "OEBPS/book.opf": package,
        **{f"OEBPS/{name}": markup for name, markup in chapters.items()},
        **({"OEBPS/toc.ncx": ncx} if ncx else {}),
        **({"OEBPS/nav.xhtml": chapter(contents)} if contents else {}),
        **(replaced or {}),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()
