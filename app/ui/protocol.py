"""What the web chat needs of an assistant. The real one fits; so does a scripted one in a test."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from quoth.app.events import Event


class DocumentLine(Protocol):
    """One indexed document, as the library lists it."""

    @property
    def document_id(self) -> str:
        """What `Citation.source_id` calls it."""

    @property
    def document(self) -> str:
        """Its name as the user knows it."""

    @property
    def num_passages(self) -> int:
        """How many passages it gave."""

    @property
    def num_pages(self) -> int | None:
        """How many pages it has; None where the format has none."""

    @property
    def is_upload(self) -> bool:
        """Whether it was uploaded, and can be removed."""


class SkippedLine(Protocol):
    """A file that did not go in."""

    @property
    def reason(self) -> str:
        """Why, in words for the user."""


class AddReport(Protocol):
    """What became of the files that were handed in."""

    @property
    def skipped(self) -> Sequence[SkippedLine]:
        """The files that did not go in."""

    @property
    def unchanged(self) -> int:
        """How many files were there already."""

    @property
    def passages(self) -> int:
        """How many passages went in."""


class ChatSettings(Protocol):
    """What the chat runs on, by name."""

    @property
    def model(self) -> str:
        """The language model."""

    @property
    def embedder(self) -> str:
        """The embedder."""

    @property
    def index_path(self) -> object:
        """The folder of the index."""


class ProgressCall(Protocol):
    """Called with what is done, of how much, and what it is."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Take note."""


class DocumentCollection(Protocol):
    """The documents that answers come from."""

    def documents(self) -> Sequence[DocumentLine]:
        """The indexed documents."""

    def add(
        self, files: Sequence[Path], names: Sequence[str], progress: ProgressCall | None
    ) -> AddReport:
        """Copy the files and index them under these names."""

    def remove(self, document_id: str) -> None:
        """Take an uploaded document out."""


class ChatAssistant(Protocol):
    """An assistant to chat with."""

    @property
    def settings(self) -> ChatSettings:
        """What it runs on."""

    @property
    def collection(self) -> DocumentCollection:
        """What it answers from."""

    def stream(self, question: str, conversation_id: str | None = None) -> Iterator[Event]:
        """Answer, event by event."""

    def new_conversation(self) -> str:
        """The id of a new, empty conversation."""

    def source_text(self, source_id: str) -> str:
        """The canonical text of a document, or the text of a turn."""

    def location(self, source_id: str, start: int, end: int) -> str:
        """Where in its file a range of a source stands: "page 3"; empty if not known."""
