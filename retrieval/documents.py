"""A document as a loader hands it over: one canonical text, and what is known of its structure.

Every range is `[start, end)` in code points of the canonical text. Nothing here knows files.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quoth.types import Location

if TYPE_CHECKING:
    from quoth.retrieval.boxes import WordBoxes

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """What a hostile file may cost at most."""

    max_bytes: int = 64 * MEBIBYTE
    max_pages: int = 5_000
    max_chars: int = 32_000_000
    max_seconds: float = 300.0  # to read one file
    max_memory_bytes: int = 1_500_000_000  # while reading one
    max_entries: int = 20_000  # files in an archive, such as DOCX and EPUB are
    max_unpacked_bytes: int = 512 * MEBIBYTE  # of all files in an archive together
    max_unpack_ratio: int = 200  # unpacked bytes to packed ones
    max_part_bytes: int = 64 * MEBIBYTE  # of one file in an archive that is read whole
    max_cells: int = 2_000_000  # of a workbook or table that are not empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading in the text; `level` counts from 1, outermost first."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDocument:
    r"""The canonical text of one version of a document (NFC, newlines are `\n`)."""

    text: str
    format: str
    title: str = ""  # from the content; empty where it names none
    headings: tuple[Heading, ...] = ()  # by start
    kept_whole: tuple[tuple[int, int], ...] = ()  # code blocks and the like; by start, disjoint
    page_starts: tuple[int, ...] = ()  # offset of each page's first character; empty without pages
    locations: tuple[Location, ...] = ()  # slides, cells and the like, by start; not pages, lines
    boxes: "WordBoxes | None" = None  # where the words stand on the pages


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRect:
    """A rectangle on a page, in points, origin at the bottom left of the unrotated page."""

    page: int  # from 1
    left: float
    bottom: float
    right: float
    top: float
