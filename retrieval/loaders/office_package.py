"""The parts of an office file (DOCX, PPTX, XLSX), and how they refer to each other.

Open Packaging Conventions (ECMA-376 part 2). Element and attribute names are compared without their
namespaces, since the strict and the transitional variant differ in nothing else. References that
lead out of the file are not even listed.
"""

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders.archives import Archive
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml import etree

_KINDS = {"word": "docx", "ppt": "pptx", "xl": "xlsx"}  # by the folder of the main part


@dataclass(frozen=True, slots=True)
class Relation:
    """A reference from one part to another."""

    id: str
    kind: str  # the last word of its type: "slide", "styles", "hyperlink"
    target: str  # name of a part


class Package:
    """An office file, read part by part."""

    def __init__(self, content: bytes, limits: LoadLimits) -> None:
        """Open the file `content`; nothing but its directory is read yet.

        Raises:
            DocumentError: The archive is broken, or not to be trusted.
        """
        self.archive = Archive(content, limits)

    @property
    def main_part(self) -> str:
        """The part that the file begins with."""
        found = self.first("", "officeDocument")
        if found is None:
            raise DocumentError("broken: it does not say which of its parts is the document")
        return found

    @property
    def title(self) -> str:
        """The title in the file's properties; empty where there is none."""
        part = self.first("", "core-properties")
        if part is None or part not in self.archive:
            return ""
        found = [node for node in self.xml(part) if local_name(node) == "title"]
        return one_line("".join(found[0].itertext())) if found else ""

    def xml(self, part: str) -> "etree._Element":
        """The root element of a part.

        Raises:
            DocumentError: It is missing or broken, or declares entities.
        """
        return parse_xml(self.archive.read(part))

    def relations(self, part: str) -> list[Relation]:
        """What `part` refers to within the file; `""` stands for the file itself."""
        folder, name = posixpath.split(part)
        listing = posixpath.join(folder, "_rels", f"{name}.rels")
        if listing not in self.archive:
            return []
        return [
            Relation(
                id=node.get("Id", ""),
                kind=node.get("Type", "").rpartition("/")[2],
                target=_resolved(folder, node.get("Target", "")),
            )
            for node in self.xml(listing)
            if node.get("TargetMode") != "External"
        ]

    def first(self, part: str, kind: str) -> str | None:
        """The first part of a kind that `part` refers to."""
        found = (each.target for each in self.relations(part) if each.kind == kind)
        return next(found, None)

    def related(self, part: str, kind: str) -> "etree._Element | None":
        """The root element of that part, if there is one."""
        found = self.first(part, kind)
        return self.xml(found) if found and found in self.archive else None


def package_format(content: bytes, limits: LoadLimits) -> str | None:
    """Which format an office file has, whatever its name; None where it is none.

    Raises:
        DocumentError: The archive is broken, or not to be trusted.
    """
    package = Package(content, limits)
    if "_rels/.rels" not in package.archive:
        return None
    main = package.first("", "officeDocument") or ""
    if main.endswith(".bin"):
        raise DocumentError("a binary workbook (.xlsb): save it as .xlsx")
    return _KINDS.get(main.partition("/")[0])


def local_name(element: "etree._Element") -> str:
    """The name of an element, without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: "etree._Element", name: str) -> str | None:
    """The value of an attribute, whatever its namespace."""
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def relation_id(element: "etree._Element", name: str = "id") -> str:
    """The id by which an element refers to another part."""
    for key, value in element.items():
        if key.endswith(f"elationships}}{name}"):
            return str(value)
    return ""


def child(element: "etree._Element | None", *path: str) -> "etree._Element | None":
    """Follow names from child to child; None where one is missing."""
    for name in path:
        if element is None:
            return None
        element = next((node for node in element if local_name(node) == name), None)
    return element


def is_on(element: "etree._Element | None") -> bool:
    """Whether a switch such as `<w:b/>` is there and not turned off."""
    return element is not None and attribute(element, "val") not in {"0", "false", "off"}


def _resolved(folder: str, target: str) -> str:
    if target.startswith("/"):
        return target.lstrip("/")
    return posixpath.normpath(posixpath.join(folder, target))
