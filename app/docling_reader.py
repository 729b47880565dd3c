"""PDFs read by Docling, where its models are at hand: layout and tables by neural networks.

Everything else is read as always. Docling runs in this process, not in the one that can be killed:
its models need more memory and files than that may have.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from quoth.errors import DocumentError
from quoth.extras import require
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.loaders.composing import Composer, one_line, table_line
from quoth.retrieval.parsing import Parser
from quoth.retrieval.preparing import LocalPreparer, Recipe

if TYPE_CHECKING:
    from docling_core.types.doc import DoclingDocument

logger = logging.getLogger(__name__)

_PDF = b"%PDF-"


@contextmanager
def docling_preparer(embedder: Embedder, recipe: Recipe) -> Iterator[LocalPreparer]:
    """Reads PDFs with Docling: `index.sync(paths, preparer=docling_preparer)`.

    Documents that the index holds stay as they were read until their files change.

    Raises:
        MissingExtraError: Docling is not installed.
    """
    converters = require("docling.document_converter", extra="docling")
    converter = converters.DocumentConverter()
    with Parser(recipe.limits) as parser:

        def load(name: str, content: bytes) -> LoadedDocument:
            if not content.startswith(_PDF):
                return parser.load(name, content)
            return load_with_docling(converter, name, content, recipe.limits)

        yield LocalPreparer(embedder, recipe, load)


def load_with_docling(
    converter: Any,  # noqa: ANN401 - a DocumentConverter of Docling
    name: str,
    content: bytes,
    limits: LoadLimits,
) -> LoadedDocument:
    """Load a PDF.

    Raises:
        DocumentError: It is too large, or Docling cannot read it.
    """
    if len(content) > limits.max_bytes:
        raise DocumentError(f"too large: more than the {limits.max_bytes:,} bytes that are allowed")
    streams = require("docling.datamodel.base_models", extra="docling")
    stream = streams.DocumentStream(name=name, stream=BytesIO(content))
    try:
        result = converter.convert(stream, max_num_pages=limits.max_pages)
    except Exception as error:  # whatever its models and parsers raise
        logger.exception("Docling failed on %s", name)
        raise DocumentError("could not be read by Docling") from error
    document = document_from(result.document, limits)
    if not document.text.strip():
        raise DocumentError("empty: Docling found no text in it")
    return document


def document_from(converted: "DoclingDocument", limits: LoadLimits) -> LoadedDocument:
    """The canonical text of what Docling found, in its reading order, with headings and pages.

    Raises:
        DocumentError: The text is longer than the limits allow.
    """
    composer = Composer(limits)
    firsts: dict[int, int] = {}  # by page, where its text begins
    for item, _ in converted.iterate_items():
        text = _text_of(item)
        if not text:
            continue
        start, end = composer.add(text, level=_level_of(item))
        if item.label in ("table", "code"):
            composer.keep_whole(start, end)
        for place in item.prov[:1]:
            firsts.setdefault(place.page_no, start)
    document = composer.document("pdf", "")
    return replace(document, page_starts=_page_starts(firsts, len(document.text)))


def _text_of(item: Any) -> str:  # noqa: ANN401 - an item of Docling
    if hasattr(item, "data") and hasattr(item.data, "grid"):
        rows = (table_line([one_line(cell.text) for cell in row]) for row in item.data.grid)
        return "\n".join(row.strip() for row in rows if row)
    text = canonical_text(getattr(item, "text", "")).strip()
    marker = canonical_text(getattr(item, "marker", "") or "").strip()
    return f"{marker} {text}" if marker and text else text


def _level_of(item: Any) -> int:  # noqa: ANN401 - an item of Docling
    """From 1, where it is a heading; the title of the whole comes above all."""
    if item.label == "title":
        return 1
    return 1 + int(item.level) if item.label == "section_header" else 0


def _page_starts(firsts: dict[int, int], num_chars: int) -> tuple[int, ...]:
    """Where each page begins; a page without text begins where the next one does."""
    starts: list[int] = []
    following = num_chars
    for page in range(max(firsts, default=0), 0, -1):
        following = min(following, firsts.get(page, following))
        starts.append(following)
    return tuple(reversed(starts))
