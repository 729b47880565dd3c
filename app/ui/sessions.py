"""What visitors do: ask, open a source, add and remove documents.

Knows no Gradio; keeps nothing of anyone.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from quoth.app.ui.answering import LONGEST_LINE, Answerer
from quoth.app.ui.conversations import ChatSession
from quoth.app.ui.document_list import UploadLine, upload_line
from quoth.app.ui.excerpts import excerpt, holds
from quoth.app.ui.places import place
from quoth.app.ui.protocol import ChatAssistant, DocumentLine
from quoth.app.ui.side_panel import OtherPlace, missing_source, side_panel
from quoth.app.ui.wording import CHANGED
from quoth.errors import QuothError
from quoth.types import SourceSpan

logger = logging.getLogger(__name__)

_PANEL_REACH: Final = 6_000  # characters on each side of a passage


class Chat:
    """The assistant, as all visitors use it."""

    def __init__(self, assistant: ChatAssistant, *, longest_line: int = LONGEST_LINE) -> None:
        self.assistant = assistant
        self._answerer = Answerer(assistant, longest_line=longest_line)

    def answer(self, session: ChatSession) -> Iterator[None]:
        """Answer the question that waits, if any; yields whenever there is news to draw."""
        return self._answerer.answer(session)

    def open_place(self, session: ChatSession, ref: object) -> str:
        """The side panel for what was clicked; empty if there is no such thing."""
        found = place(ref, session.conversation.exchanges, name_of=self._names().get)
        if found is None:
            return ""
        span = found.span
        try:
            source = self.assistant.source_text(span.source_id)
            if not holds(source, span.start, span.end, found.words):
                return missing_source(found.ref, CHANGED)
            others = [self._other(ref, span) for ref, span in found.others]
            location = "" if found.kind == "turn" else self._location(span)
        except QuothError as error:
            return missing_source(found.ref, str(error))
        around = excerpt(source, span.start, span.end, reach=_PANEL_REACH)
        return side_panel(found, around, location, others)

    def add_documents(self, files: Sequence[tuple[Path, str]]) -> Iterator[list[UploadLine]]:
        """Index files, one by one; yields a line for each file so far. The files are used up."""
        lines: list[UploadLine] = []
        for number, (path, name) in enumerate(files, start=1):
            at_work = f"being indexed ({number} of {len(files)})"
            yield [*lines, UploadLine(name=name, message=at_work, kind="working")]
            lines.append(self._add(path, name))
            path.unlink(missing_ok=True)
            yield list(lines)

    def remove_document(self, document_id: object) -> list[UploadLine]:
        """Take an uploaded document out; tells what became of it, nothing if there is none.

        `document_id` comes from a browser.
        """
        return [
            self._remove(one)
            for one in self.assistant.collection.documents()
            if one.is_upload and one.document_id == document_id
        ]

    def _add(self, path: Path, name: str) -> UploadLine:
        def add() -> UploadLine:
            return upload_line(name, self.assistant.collection.add([path], [name], None))

        return _outcome(name, add, failed="skipped")

    def _remove(self, one: DocumentLine) -> UploadLine:
        def remove() -> UploadLine:
            self.assistant.collection.remove(one.document_id)
            return UploadLine(name=one.document, message="removed", kind="removed")

        return _outcome(one.document, remove, failed="not removed")

    def _names(self) -> dict[str, str]:
        return {one.document_id: one.document for one in self.assistant.collection.documents()}

    def _other(self, ref: str, span: SourceSpan) -> OtherPlace:
        name = self._names().get(span.source_id)
        return OtherPlace(
            ref=ref,
            name=name or "an earlier turn",
            location="" if name is None else self._location(span),
        )

    def _location(self, span: SourceSpan) -> str:
        return self.assistant.location(span.source_id, span.start, span.end)


def _outcome(name: str, change: Callable[[], UploadLine], *, failed: str) -> UploadLine:
    """What `change` says; where it fails, why."""
    try:
        return change()
    except QuothError as error:
        return UploadLine(name=name, message=f"{failed}: {error}", kind="skipped")
    except Exception:  # the process edge: one file may break, the page and the others go on
        logger.exception("a document could not be added or removed")
        message = f"{failed} because of a fault in the program. The log says more."
        return UploadLine(name=name, message=message, kind="skipped")
