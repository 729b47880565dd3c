"""XML of unknown origin: no entities, no DTDs, nothing fetched.

A document that declares entities is refused: nobody's files need them, and they are how a few bytes
become gigabytes, and how a parser is made to read other files.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from quoth.errors import DocumentError

if TYPE_CHECKING:
    from lxml import etree

_BITE = 512  # bytes; what comes before the root element is judged before the rest is parsed
_PIECE = 1 << 16


def parse_xml(content: bytes, *, allows_doctype: bool = False) -> "etree._Element":
    """The root element of `content`, without comments and processing instructions.

    `allows_doctype` permits a DOCTYPE that names a document type and declares nothing.

    Raises:
        DocumentError: It is no XML, or declares entities, or has a DOCTYPE that is not allowed.
    """
    from lxml import etree

    _check_prologue(_pieces(content, _BITE), allows_doctype=allows_doctype)
    try:
        return etree.fromstring(content, etree.XMLParser(**_hardened()))
    except etree.XMLSyntaxError as error:
        raise _unreadable(error) from error


def xml_elements(pieces: Iterable[bytes], tags: tuple[str, ...]) -> Iterator["etree._Element"]:
    """The elements named `tags` in `pieces`, each once it has ended; none is kept in memory.

    An element is emptied when the next one is asked for.

    Raises:
        DocumentError: As for `parse_xml`; no DOCTYPE is allowed.
    """
    from lxml import etree

    coming = iter(pieces)
    read = list(_until_root(coming))
    parser = etree.XMLPullParser(events=("end",), tag=tags, **_hardened())
    try:
        for piece in chain(read, coming):
            parser.feed(piece)
            for _, element in parser.read_events():
                yield element
                _forget(element)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _unreadable(error) from error


def _forget(element: "etree._Element") -> None:
    """Drop an element's content, and what stands before it and has been seen."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _until_root(coming: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces until the root element has begun, and check them."""
    read: list[bytes] = []

    def bites() -> Iterator[bytes]:
        for piece in coming:
            read.append(piece)
            yield from _pieces(piece, _BITE)

    _check_prologue(bites(), allows_doctype=False)
    yield from read


def _check_prologue(bites: Iterable[bytes], *, allows_doctype: bool) -> None:
    """Refuse declarations, with the parser that will read the rest: both see the same."""
    from lxml import etree

    parser = etree.XMLPullParser(events=("start",), **_hardened())
    root = None
    try:
        for bite in bites:
            parser.feed(bite)
            _, root = next(parser.read_events(), (None, None))
            if root is not None:
                break
        else:  # so short that it was not looked at yet
            root = parser.close()
    except etree.XMLSyntaxError as error:
        raise _unreadable(error) from error
    _check_doctype(root.getroottree().docinfo.internalDTD, allows_doctype=allows_doctype)


def _check_doctype(declared: "etree.DTD | None", *, allows_doctype: bool) -> None:
    if declared is None:
        return
    if not allows_doctype:
        raise DocumentError("not safe: XML within it has a DOCTYPE, which such files never need")
    if any(True for _ in declared.iterentities()):
        raise DocumentError("not safe: XML within it declares entities, which can be a bomb")


def _hardened() -> dict[str, bool]:
    return {
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "huge_tree": False,
        "remove_comments": True,
        "remove_pis": True,
    }


def _pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def _unreadable(error: "etree.XMLSyntaxError") -> DocumentError:
    if "amplification" in str(error):  # the parser's own limit came first
        return DocumentError("not safe: XML within it declares entities, which can be a bomb")
    reason = str(error).partition(",")[0]
    return DocumentError(f"broken: XML within it cannot be read ({reason})")
