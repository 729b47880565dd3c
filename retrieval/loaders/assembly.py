"""A canonical text made of parts, each with its own structure: cells, chapters, records, mails."""

from dataclasses import replace

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.retrieval.loaders.composing import Composer, one_line

_MAX_TITLE = 1_000  # characters


class Assembly:
    """A composer of parts that come as they are: not yet canonical, blank, or documents.

    Parts are made canonical by themselves, and only newlines come between them, so the whole is
    canonical too.
    """

    def __init__(self, limits: LoadLimits) -> None:
        self._composer = Composer(limits)

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._composer.length

    @property
    def is_full(self) -> bool:
        """Whether the limit is exceeded: nothing more can be appended."""
        return self.length > self._composer.limits.max_chars

    def append(self, raw: str, *, gap: int = 2) -> tuple[int, int]:
        """Append `raw` after `gap` newlines; where it stands. Blank parts add nothing.

        Raises:
            DocumentError: The text is longer than the limits allow.
        """
        return self._add(canonical_text(raw).strip("\n").rstrip(), gap)

    def append_document(self, part: LoadedDocument, *, deeper: int = 0) -> tuple[int, int]:
        """Append a document with its structure, headings `deeper` by so many levels."""
        start, end = self._add(part.text, gap=2)
        if start == end:
            return start, end
        for heading in part.headings:
            left, right = start + heading.start, start + heading.end
            self.head(left, right, level=heading.level + deeper, title=heading.title)
        for left, right in part.kept_whole:
            self.keep_whole(start + left, start + right)
        for location in part.locations:
            self.locate(start + location.start, location.label)
        return start, end

    def place_of(self, text: str) -> tuple[int, int]:
        """Where `text` will stand if it comes next."""
        start = self.length + (2 if self.length and text.strip() else 0)
        return start, start + (len(text) if text.strip() else 0)

    def head(self, start: int, end: int, *, level: int, title: str) -> None:
        """Declare `[start, end)` a heading; parts are declared in their order."""
        if end > start:
            heading = Heading(start=start, end=end, level=level, title=title)
            self._composer.headings.append(heading)

    def keep_whole(self, start: int, end: int) -> None:
        """Ask that `[start, end)` is not cut where it fits."""
        self._composer.keep_whole(start, end)

    def locate(self, start: int, label: str) -> None:
        """Say what place of the file begins at `start`."""
        self._composer.locate(label, start)

    def document(self, *, format: str, title: str = "") -> LoadedDocument:
        """All parts as one document; no part gives its title to the whole."""
        document = self._composer.document(format, title="")
        return replace(document, title=one_line(title)[:_MAX_TITLE].rstrip())

    def _add(self, text: str, gap: int) -> tuple[int, int]:
        if not text.strip():
            return self.length, self.length
        return self._composer.add(text, gap=gap)
