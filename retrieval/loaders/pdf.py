"""PDF through PDFium: one canonical text of all pages, page starts, and a box for every word.

PDFium is not thread-safe, so one document is read at a time. Forms and scripts are never run.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from quoth.errors import DocumentError
from quoth.retrieval.boxes import word_boxes
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.retrieval.loaders.pdf_columns import reading_order
from quoth.retrieval.loaders.pdf_flow import PageFlow, flow_pages
from quoth.retrieval.loaders.pdf_furniture import Page, without_furniture
from quoth.retrieval.loaders.pdf_tables import heads_joined
from quoth.retrieval.loaders.pdf_words import page_runs

_PDFIUM = threading.Lock()
_REASONS = {  # FPDF_GetLastError
    2: "cannot be opened",
    3: "broken: it is not a PDF that can be read",
    4: "encrypted: it needs a password. Save a copy without one",
    5: "encrypted in a way that is not supported",
}
_MAX_OUTLINE = 5_000
_MAX_OUTLINE_DEPTH = 6
_WORD = re.compile(r"[^\W\d_]{3,}")
_MADE_BY_PROGRAMS = re.compile(r"microsoft word|untitled|\.docx?$|\.indd$", re.IGNORECASE)


def load_pdf(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a PDF.

    Raises:
        DocumentError: It is encrypted or broken, or it holds no text (scanned pages).
    """
    with _PDFIUM, _opened(content) as pdf:
        if len(pdf) > limits.max_pages:
            raise DocumentError(
                f"too large: {len(pdf):,} pages, and {limits.max_pages:,} are allowed"
            )
        pages = _pages(pdf, limits)
        outline = _outline(pdf)
        title = _title(pdf)
    flow = flow_pages(without_furniture(pages))
    if not flow.text:
        raise DocumentError(
            f"a PDF without text (pages: {len(pages)}, probably scanned). Run it through OCR first"
        )
    return LoadedDocument(
        text=flow.text,
        format="pdf",
        title=title,
        headings=tuple(_headings(outline, flow)),
        page_starts=flow.page_starts,
        boxes=word_boxes(flow.words),
    )


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise DocumentError(_REASONS.get(error.err_code, _REASONS[3])) from error
    try:
        yield pdf
    except pypdfium2.PdfiumError as error:
        raise DocumentError(f"broken: {error}") from error
    finally:
        pdf.close()


def _pages(pdf: Any, limits: LoadLimits) -> list[Page]:  # noqa: ANN401 - untyped library
    pages = []
    num_chars = 0
    for number in range(len(pdf)):
        page = pdf[number]
        textpage = page.get_textpage()
        num_chars += textpage.count_chars()
        if num_chars > limits.max_chars:
            raise DocumentError(f"too large: more than {limits.max_chars:,} characters")
        blocks = reading_order(page_runs(textpage))
        pages.append([heads_joined(block) for block in blocks])
        textpage.close()
        page.close()
    return pages


def _outline(pdf: Any) -> list[tuple[int, str, int]]:  # noqa: ANN401 - untyped library
    """Level (from 1), title and page index of the bookmarks, as far as they lead to a page."""
    entries = []
    for place, item in enumerate(pdf.get_toc(max_depth=_MAX_OUTLINE_DEPTH)):
        if place >= _MAX_OUTLINE:
            break
        target = item.get_dest()
        page = target.get_index() if target else None
        title = " ".join(canonical_text(item.get_title() or "").split())
        if page is not None and title:
            entries.append((item.level + 1, title, page))
    return entries


def _title(pdf: Any) -> str:  # noqa: ANN401 - untyped library
    """The title in the document's properties, if a person seems to have given it."""
    title = " ".join(canonical_text(pdf.get_metadata_value("Title")).split())
    is_given = len(_WORD.findall(title)) >= 2 and not _MADE_BY_PROGRAMS.search(title)
    return title if is_given else ""


def _headings(outline: Sequence[tuple[int, str, int]], flow: PageFlow) -> list[Heading]:
    """The bookmarks whose words stand on their page, and below them the headings by style."""
    found: dict[int, Heading] = {}
    ends = [*flow.page_starts[1:], len(flow.text)]
    for level, title, page in outline:
        if page >= len(ends):
            continue
        pattern = r"\s+".join(re.escape(word) for word in title.split())
        begin_of_line = re.compile(rf"^[ \t]*{pattern}", re.IGNORECASE | re.MULTILINE)
        match = begin_of_line.search(flow.text, flow.page_starts[page], ends[page])
        if match and match.start() not in found:
            heading = Heading(start=match.start(), end=match.end(), level=level, title=title)
            found[match.start()] = heading
    deepest = max((heading.level for heading in found.values()), default=0)
    taken = [(heading.start, heading.end) for heading in found.values()]
    for heading in flow.headings:
        if not any(start < heading.end and heading.start < end for start, end in taken):
            found[heading.start] = replace(heading, level=heading.level + deepest)
    return [found[start] for start in sorted(found)]
