"""Source code and data formats, kept as they are. Definitions at the left margin are headings."""

import re

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.retrieval.loaders.decode import decode_text

# Level 2: definitions are no chapters, small neighbours may share a passage.
_LEVEL = 2
_DEFINITION = re.compile(
    r"^(?:(?:export|default|public|private|protected|internal|static|abstract|final|async|pub"
    r"(?:\([a-z]+\))?|unsafe|sealed|data)[ \t]+)*"
    r"(?:class|def|function\*?|func|fn|struct|enum|trait|impl|interface|module|namespace|object"
    r"|type|protocol|extension)[ \t]+([^\s({:<=;][^\n({:=;]*)",
    re.MULTILINE,
)
_MAX_TITLE = 120


def load_code(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
    """Load source code."""
    return code_document(canonical_text(decode_text(content)))


def code_document(text: str) -> LoadedDocument:
    """The document of source code in no language in particular."""
    headings = tuple(
        Heading(
            start=match.start(),
            end=match.end(),
            level=_LEVEL,
            title=" ".join(match.group().split())[:_MAX_TITLE],
        )
        for match in _DEFINITION.finditer(text)
    )
    return LoadedDocument(text=text, format="code", headings=headings)
