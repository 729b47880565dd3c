"""What a visitor does: asks, stops, starts anew, opens a source, adds documents. Knows no Gradio.

`ChatSession` is a visitor's own state; `Chat` is what all share, and keeps nothing of any of them.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Final

from quoth.app.ui.excerpts import Excerpt, excerpt
from quoth.app.ui.exchanges import Exchange, advance
from quoth.app.ui.library import UploadLine, upload_line
from quoth.app.ui.places import Place, place
from quoth.app.ui.protocol import ChatAssistant
from quoth.app.ui.side_panel import OtherPlace, missing_source, side_panel
from quoth.errors import QuothError
from quoth.types import Citation, SourceSpan

logger = logging.getLogger(__name__)

_CARD_REACH: Final = 150  # characters on each side of a quote
_PANEL_REACH: Final = 6_000
_FRAME_S: Final = 0.06  # between two updates of a growing answer
_UNEXPECTED: Final = "The answer broke off because of a fault in the program. The log says more."


@dataclass(slots=True)
class Conversation:
    """The exchanges of one conversation, the last one perhaps still growing."""

    id: str | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    is_stopping: bool = False

    @property
    def is_open(self) -> bool:
        """An answer is awaited."""
        return bool(self.exchanges) and self.exchanges[-1].is_open


@dataclass(slots=True)
class ChatSession:
    """One visitor's conversation; `renew` leaves the old one to whoever still answers it."""

    conversation: Conversation = field(default_factory=Conversation)

    def renew(self) -> None:
        """Start an empty conversation; an answer that is still growing ends."""
        self.conversation.is_stopping = True
        self.conversation = Conversation()

    def ask(self, question: str) -> bool:
        """Put a question; False if it is blank or the last one is still being answered."""
        if not question.strip() or self.conversation.is_open:
            return False
        self.conversation.is_stopping = False
        self.conversation.exchanges.append(Exchange(question=question.strip()))
        return True

    def stop(self) -> None:
        """End the answer; at once if it has not begun."""
        conversation = self.conversation
        conversation.is_stopping = True
        if conversation.exchanges and conversation.exchanges[-1].phase == "waiting":
            conversation.exchanges[-1] = conversation.exchanges[-1].stopped()


class Chat:
    """The assistant, as visitors use it."""

    def __init__(self, assistant: ChatAssistant, *, clock: Callable[[], float] = monotonic) -> None:
        self.assistant = assistant
        self._clock = clock

    def answer(self, session: ChatSession) -> Iterator[None]:
        """Answer the question that waits, if any; yields whenever there is news to draw."""
        conversation = session.conversation
        if not conversation.exchanges or conversation.exchanges[-1].phase != "waiting":
            return
        drawn_at = float("-inf")
        for exchange in self._exchanges(conversation):
            conversation.exchanges[-1] = exchange
            if session.conversation is not conversation:
                return
            if not exchange.is_open or self._clock() - drawn_at >= _FRAME_S:
                drawn_at = self._clock()
                yield

    def _exchanges(self, conversation: Conversation) -> Iterator[Exchange]:
        """The exchange after each event; the last one is not open, whatever happens."""
        exchange = Exchange(question=conversation.exchanges[-1].question, phase="searching")
        yield exchange
        try:
            for exchange in self._advanced(exchange, conversation):  # noqa: B020 - keep the last one
                yield exchange
        except QuothError as error:
            yield exchange.failed(str(error))
        except Exception:  # the process edge: one answer may break, the page must not
            logger.exception("an answer broke off")
            yield exchange.failed(_UNEXPECTED)

    def _advanced(self, exchange: Exchange, conversation: Conversation) -> Iterator[Exchange]:
        if conversation.id is None:
            conversation.id = self.assistant.new_conversation()
        source_text = lru_cache(maxsize=8)(self.assistant.source_text)

        def find_excerpt(citation: Citation) -> Excerpt | None:
            try:
                source = source_text(citation.source_id)
            except QuothError:
                return None
            return excerpt(source, citation.source_start, citation.source_end, reach=_CARD_REACH)

        for event in self.assistant.stream(exchange.question, conversation.id):
            if conversation.is_stopping:
                break
            exchange = advance(exchange, event, find_excerpt)
            yield exchange
        if exchange.is_open:
            yield exchange.stopped()

    def open_place(self, session: ChatSession, ref: object) -> str:
        """The side panel for what was clicked; empty if there is no such thing."""
        found = place(ref, session.conversation.exchanges, name_of=self._names().get)
        if found is None:
            return ""
        span = found.span
        try:
            source = self.assistant.source_text(span.source_id)
            others = [self._other(one) for one in found.others]
            page = self._page(found, span)
        except QuothError as error:
            return missing_source(found.ref, str(error))
        around = excerpt(source, span.start, span.end, reach=_PANEL_REACH)
        return side_panel(found, around, page, others)

    def add_documents(self, files: Sequence[tuple[Path, str]]) -> Iterator[list[UploadLine]]:
        """Index files, one by one; yields a line for each file so far. The files are used up."""
        lines: list[UploadLine] = []
        for number, (path, name) in enumerate(files, start=1):
            at_work = f"being indexed ({number} of {len(files)})"
            yield [*lines, UploadLine(name=name, message=at_work, kind="working")]
            lines.append(self._add(path, name))
            path.unlink(missing_ok=True)
            yield list(lines)

    def _add(self, path: Path, name: str) -> UploadLine:
        try:
            return upload_line(name, self.assistant.add_documents([path], [name], None))
        except QuothError as error:
            return UploadLine(name=name, message=f"skipped: {error}", kind="skipped")
        except Exception:  # the process edge: one file may break, the others still go in
            logger.exception("a file could not be added")
            message = "skipped because of a fault in the program. The log says more."
            return UploadLine(name=name, message=message, kind="skipped")

    def _names(self) -> dict[str, str]:
        return {one.document_id: one.document for one in self.assistant.documents()}

    def _other(self, span: SourceSpan) -> OtherPlace:
        name = self._names().get(span.source_id)
        page = None if name is None else self.assistant.page_at(span.source_id, span.start)
        return OtherPlace(name=name or "an earlier turn", page=page)

    def _page(self, found: Place, span: SourceSpan) -> int | None:
        if found.kind == "turn":
            return None
        return self.assistant.page_at(span.source_id, span.start)
