"""A canonical text made of parts, each with its own structure: cells, chapters, records, mails."""

from dataclasses import replace

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import Heading, LoadedDocument, LoadLimits
from quoth.types import Location

_MAX_TITLE = 1_000  # characters


class Assembly:
    """Appends parts and keeps count of where they stand.

    Parts are canonical by themselves, and only newlines come between them, so the whole is too.
    """

    def __init__(self, limits: LoadLimits) -> None:
        self._limits = limits
        self._pieces: list[str] = []
        self._headings: list[Heading] = []
        self._kept_whole: list[tuple[int, int]] = []
        self._locations: list[Location] = []
        self.length = 0

    @property
    def is_full(self) -> bool:
        """Whether the limit is exceeded: nothing more can be appended."""
        return self.length > self._limits.max_chars

    def append(self, raw: str, *, gap: int = 2) -> tuple[int, int]:
        """Append `raw` after `gap` newlines; where it stands. Blank parts add nothing.

        Raises:
            DocumentError: The text is longer than the limits allow.
        """
        text = canonical_text(raw).strip("\n").rstrip()
        return self._append(text if text.strip() else "", gap)

    def append_document(
        self, part: LoadedDocument, *, deeper: int = 0, gap: int = 2
    ) -> tuple[int, int]:
        """Append a document with its structure, headings `deeper` by so many levels."""
        start, end = self._append(part.text if part.text.strip() else "", gap)
        if start == end:
            return start, end
        for heading in part.headings:
            self._headings.append(
                replace(
                    heading,
                    start=start + heading.start,
                    end=start + heading.end,
                    level=heading.level + deeper,
                )
            )
        self._kept_whole += ((start + left, start + right) for left, right in part.kept_whole)
        for location in part.locations:
            self.locate(start + location.start, location.label)
        return start, end

    def place_of(self, text: str, gap: int = 2) -> tuple[int, int]:
        """Where `text` will stand if it comes next."""
        start = self.length + (gap if self._pieces and text.strip() else 0)
        return start, start + (len(text) if text.strip() else 0)

    def head(self, start: int, end: int, *, level: int, title: str) -> None:
        """Declare `[start, end)` a heading; parts are declared in their order."""
        if end > start:
            self._headings.append(Heading(start=start, end=end, level=level, title=title))

    def keep_whole(self, start: int, end: int) -> None:
        """Ask that `[start, end)` is not cut where it fits."""
        if end > start:
            self._kept_whole.append((start, end))

    def locate(self, start: int, label: str) -> None:
        """Say what place of the file begins at `start`."""
        self._locations.append(Location(start=start, label=label))

    def document(self, *, format: str, title: str = "") -> LoadedDocument:
        """All parts as one document."""
        return LoadedDocument(
            text="".join(self._pieces),
            format=format,
            title=one_line(title)[:_MAX_TITLE].rstrip(),
            headings=tuple(self._headings),
            kept_whole=tuple(self._kept_whole),
            locations=tuple(self._locations),
        )

    def _append(self, text: str, gap: int) -> tuple[int, int]:
        if not text:
            return self.length, self.length
        before = "\n" * gap if self._pieces else ""
        start = self.length + len(before)
        self.length = start + len(text)
        if self.length > self._limits.max_chars:
            raise DocumentError(
                f"too large: more than the {self._limits.max_chars:,} characters that are allowed"
            )
        self._pieces.append(before + text)
        return start, self.length


def one_line(text: str) -> str:
    """`text` as a title: canonical, white space as single spaces."""
    return " ".join(canonical_text(text).split())
