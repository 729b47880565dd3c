"""One visitor's conversation: what was asked, and how far the answers are."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from quoth.app.ui.exchanges import Exchange

# One for all visitors, because a session is copied for each of them and a lock cannot be copied.
# It is held only for as long as it takes to look and to append.
_ASKING: Final = Lock()


@dataclass(slots=True)
class Conversation:
    """The exchanges of one conversation, the last one perhaps still growing."""

    id: str | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    stopped: set[int] = field(default_factory=set)  # the exchanges that are to end where they are

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
        self.stop()
        self.conversation = Conversation()

    def ask(self, question: str) -> bool:
        """Put a question; False if it is blank or the last one is still being answered."""
        with _ASKING:  # two quick clicks arrive in two threads
            if not question.strip() or self.conversation.is_open:
                return False
            self.conversation.exchanges.append(Exchange(question=question.strip()))
            return True

    def stop(self) -> None:
        """End the answer where it is."""
        exchanges = self.conversation.exchanges
        if self.conversation.is_open:
            self.conversation.stopped.add(len(exchanges) - 1)
            exchanges[-1] = exchanges[-1].stopped()
