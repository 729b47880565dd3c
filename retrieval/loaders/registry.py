"""Which loader reads which file.

A loader takes the bytes of a file and never opens anything itself: it cannot follow links, fetch
pages or read other files. A suffix that nobody knows is read as text if its content is text.
"""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import PurePath
from typing import Protocol, cast

from quoth.errors import DocumentError
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.office_package import package_format


class Loader(Protocol):
    """Reads one format.

    Raises:
        DocumentError: The content cannot be read; the message is a plain reason.
    """

    def __call__(self, content: bytes, limits: LoadLimits) -> LoadedDocument:
        """The document in `content`."""
        ...


# module and function by format; imported on first use, because parsers are slow to import
_LOADERS = {
    "text": "plain:load_plain",
    "markdown": "markdown:load_markdown",
    "rst": "rst:load_rst",
    "html": "html:load_html",
    "code": "code:load_code",
    "python": "python_code:load_python",
    "c": "grammar_code:load_c",
    "cpp": "grammar_code:load_cpp",
    "c_sharp": "grammar_code:load_c_sharp",
    "go": "grammar_code:load_go",
    "java": "grammar_code:load_java",
    "javascript": "grammar_code:load_javascript",
    "php": "grammar_code:load_php",
    "ruby": "grammar_code:load_ruby",
    "rust": "grammar_code:load_rust",
    "tsx": "grammar_code:load_tsx",
    "typescript": "grammar_code:load_typescript",
    "json": "json_text:load_json",
    "jsonl": "json_text:load_jsonl",
    "email": "email_text:load_email",
    "mbox": "email_text:load_mbox",
    "notebook": "notebook:load_notebook",
    "epub": "epub:load_epub",
    "pdf": "pdf:load_pdf",
    "docx": "docx:load_docx",
    "pptx": "pptx:load_pptx",
    "xlsx": "xlsx:load_xlsx",
    "csv": "delimited:load_delimited",
}
_SUFFIXES = {
    "text": ".txt .text .log",
    "markdown": ".md .markdown .mdown .mkd .qmd",
    "rst": ".rst .rest",
    "html": ".html .htm .xhtml",
    "pdf": ".pdf",
    "docx": ".docx .docm .dotx .dotm",
    "pptx": ".pptx .pptm .ppsx .ppsm .potx .potm",
    "xlsx": ".xlsx .xlsm .xltx .xltm",
    "csv": ".csv .tsv .tab",
    "python": ".py .pyi .pyw",
    "c": ".c",
    "cpp": ".h .cc .cpp .cxx .hpp",
    "c_sharp": ".cs",
    "go": ".go",
    "java": ".java",
    "javascript": ".js .mjs .cjs .jsx",
    "php": ".php",
    "ruby": ".rb",
    "rust": ".rs",
    "tsx": ".tsx",
    "typescript": ".ts .mts .cts",
    "code": (
        ".kt .scala .swift .m .pl .lua .r .jl .hs .ml .ex .exs .erl .clj .el .vim .sh .bash .zsh "
        ".fish .ps1 .bat .sql .css .scss .toml .ini .cfg .conf .yaml .yml .xml .tex .proto .cmake "
        ".gradle .tf .vue .svelte .dart .zig .nim"
    ),
    "json": ".json .geojson .webmanifest",
    "jsonl": ".jsonl .ndjson",
    "email": ".eml .mht .mhtml",
    "mbox": ".mbox",
    "notebook": ".ipynb",
    "epub": ".epub",
}
_FORMATS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_MAX_TITLE = 1_000  # characters
_ZIP = b"PK\x03\x04"
_SIGNATURES = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old office file (.doc, .xls, .ppt); save it as .docx, .xlsx or .pptx",
    ),
    (b"{\\rtf", "a Rich Text file; save it as .docx or .pdf"),
    (b"\x89PNG", "an image, and text in images is not read"),
    (b"\xff\xd8\xff", "an image, and text in images is not read"),
    (b"GIF8", "an image, and text in images is not read"),
    (b"SQLite format 3\0", "a database"),
)


_OLD_OFFICE = frozenset({".doc", ".xls", ".ppt"})
_HTML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


def loader_for(name: str, content: bytes, limits: LoadLimits | None = None) -> Loader:
    """The loader for a file of this name and content; what the content shows counts for more.

    Raises:
        DocumentError: It is an archive that is none of the known formats, or not to be trusted.
    """
    return _loader(_format_of(name, content, limits or LoadLimits()))


def _format_of(name: str, content: bytes, limits: LoadLimits) -> str:
    if content.startswith(b"%PDF-"):
        return "pdf"
    if _is_epub(name, content):
        return "epub"
    if content.startswith(_ZIP):
        return _zip_format(content, limits)
    suffix = PurePath(name).suffix.lower()
    if suffix in _OLD_OFFICE and _HTML_START.match(content):
        return "html"  # as many programs export
    return _FORMATS.get(suffix, "text")


def _zip_format(content: bytes, limits: LoadLimits) -> str:
    kind = package_format(content, limits)
    if kind is None:
        raise DocumentError("not a text document: it is a zip archive; unpack it")
    return kind


def _refuse_by_signature(content: bytes) -> None:
    for signature, reason in _SIGNATURES:
        if content.startswith(signature):
            if _ENCRYPTED_OFFICE in content:
                raise DocumentError("encrypted: save it without a password")
            raise DocumentError(f"not a text document: it is {reason}")


def _is_epub(name: str, content: bytes) -> bool:
    """A zip archive whose first file says so (OCF 4.3), or whose suffix does."""
    is_named = PurePath(name).suffix.lower() == ".epub"
    is_marked = content[30:58] == b"mimetypeapplication/epub+zip"
    return content.startswith(_ZIP) and (is_named or is_marked)


def _loader(kind: str) -> Loader:
    module, function = _LOADERS[kind].split(":")
    return cast("Loader", getattr(import_module(f"quoth.retrieval.loaders.{module}"), function))


def load(name: str, content: bytes, limits: LoadLimits | None = None) -> LoadedDocument:
    """Load the file `name` from its bytes.

    Raises:
        DocumentError: It is empty, binary, encrypted, broken or too large.
    """
    limits = limits or LoadLimits()
    if len(content) > limits.max_bytes:
        raise DocumentError(f"too large: more than the {limits.max_bytes:,} bytes that are allowed")
    if not content.strip():
        raise DocumentError("empty")
    _refuse_by_signature(content)
    document = loader_for(name, content, limits)(content, limits)
    if not document.text.strip():
        raise DocumentError("empty: it holds no text")
    if len(document.text) > limits.max_chars:
        raise DocumentError(
            f"too large: {len(document.text):,} characters, and {limits.max_chars:,} are allowed"
        )
    return _with_short_titles(document)


def _with_short_titles(document: LoadedDocument) -> LoadedDocument:
    """Whole paragraphs are set as headings, and each passage below them carries their titles."""
    headings = tuple(
        each if len(each.title) <= _MAX_TITLE else replace(each, title=_cut(each.title))
        for each in document.headings
    )
    return replace(document, title=_cut(document.title), headings=headings)


def _cut(title: str) -> str:
    return title[:_MAX_TITLE].rstrip()
