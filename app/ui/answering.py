"""Answers the question that waits in a conversation, when its turn has come."""

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from quoth.app.ui.conversations import ChatSession, Conversation
from quoth.app.ui.excerpts import Excerpt, excerpt, holds
from quoth.app.ui.exchanges import Exchange, FindExcerpt, advance
from quoth.app.ui.line import Line, Place
from quoth.app.ui.pacing import paced
from quoth.app.ui.protocol import ChatAssistant
from quoth.errors import QuothError
from quoth.types import Citation

logger = logging.getLogger(__name__)

_CARD_REACH: Final = 150  # characters on each side of a quote
_FRAME_S: Final = 0.06  # between two updates of a growing answer
_WAIT_S: Final = 0.5  # between two looks at the line: a visitor may have left
LONGEST_LINE: Final = 24  # questions that wait at once; further ones are turned away
_NO_DOCUMENTS: Final = "Add documents on the left first."
_UNEXPECTED: Final = "The answer broke off because of a fault in the program. The log says more."


class Answerer:
    """Answers one question at a time, in the order in which they were put."""

    def __init__(self, assistant: ChatAssistant, *, longest_line: int = LONGEST_LINE) -> None:
        self._assistant = assistant
        self._longest_line = longest_line
        self._line = Line()

    def answer(self, session: ChatSession) -> Iterator[None]:
        """Answer the question that waits, if any; yields whenever there is news to draw."""
        conversation = session.conversation
        if not conversation.exchanges or conversation.exchanges[-1].phase != "waiting":
            return
        number = len(conversation.exchanges) - 1
        for exchange in paced(self._exchanges(conversation, number), frame_s=_FRAME_S):
            if session.conversation is not conversation:
                return
            is_stopped = number in conversation.stopped and exchange.is_open
            conversation.exchanges[number] = exchange.stopped() if is_stopped else exchange
            yield

    def _exchanges(
        self, conversation: Conversation, number: int
    ) -> Generator[Exchange, None, None]:
        """Exchange `number` as it grows; the last one is not open, whatever happens."""
        exchange = conversation.exchanges[number]

        def is_stopped() -> bool:
            return number in conversation.stopped

        try:
            with self._line.place() as place:
                if place.num_ahead >= self._longest_line:
                    yield exchange.failed(_too_many(self._longest_line))
                    return
                yield from _waiting(exchange, place, is_stopped)
                for exchange in self._growing(exchange, conversation, is_stopped):  # noqa: B020
                    yield exchange  # and keep it for the lines below
        except QuothError as error:
            yield exchange.failed(str(error))
        except Exception:  # the process edge: one answer may break, the page must not
            logger.exception("an answer broke off")
            yield exchange.failed(_UNEXPECTED)

    def _growing(
        self, exchange: Exchange, conversation: Conversation, is_stopped: Callable[[], bool]
    ) -> Iterator[Exchange]:
        if is_stopped():
            yield exchange.stopped()
            return
        if not self._assistant.collection.documents():
            yield exchange.failed(_NO_DOCUMENTS)
            return
        exchange = replace(exchange, phase="searching")
        yield exchange
        if conversation.id is None:
            conversation.id = self._assistant.new_conversation()
        find_excerpt = self._excerpts()
        for event in self._assistant.stream(exchange.question, conversation.id):
            exchange = advance(exchange, event, find_excerpt)
            if is_stopped() and exchange.is_open:
                exchange = exchange.stopped()
                break
            yield exchange
        yield exchange if not exchange.is_open else exchange.stopped()

    def _excerpts(self) -> FindExcerpt:
        """Finds the text around citations; reads each source once."""
        source_text = lru_cache(maxsize=8)(self._assistant.source_text)

        def find(citation: Citation, words: str) -> Excerpt | None:
            start, end = citation.source_start, citation.source_end
            try:
                source = source_text(citation.source_id)
            except QuothError:
                return None
            if not holds(source, start, end, words):
                return None
            return excerpt(source, start, end, reach=_CARD_REACH)

        return find


def _too_many(waiting: int) -> str:
    return f"Too many questions are waiting ({waiting}). Ask again in a few minutes."


def _waiting(
    exchange: Exchange, place: Place, is_stopped: Callable[[], bool]
) -> Iterator[Exchange]:
    """The exchange with how many are ahead, until its turn has come or it is stopped."""
    while (num_ahead := place.num_ahead) and not is_stopped():
        yield replace(exchange, num_ahead=num_ahead)
        place.wait(_WAIT_S)
