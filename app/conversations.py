"""Conversations in memory: who said what, newest kept, bounded in number.

Knows nothing of prompts or models. Safe to use from several threads.
"""

import secrets
import threading
from collections import OrderedDict

from quoth.types import Role, Turn

MAX_CONVERSATIONS = 1000  # the least recently used ones are forgotten
MAX_TURNS = 200  # of one conversation; far more than any window holds


class Conversations:
    """The turns of every open conversation."""

    def __init__(self, max_conversations: int = MAX_CONVERSATIONS) -> None:
        self._max = max_conversations
        self._turns: OrderedDict[str, list[Turn]] = OrderedDict()
        self._by_id: dict[str, Turn] = {}
        self._lock = threading.Lock()

    def start(self) -> str:
        """Open a conversation; its id cannot be guessed."""
        conversation_id = secrets.token_urlsafe(12)
        with self._lock:
            self._touch(conversation_id)
        return conversation_id

    def turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """The turns so far, oldest first, a question and its answer always together."""
        with self._lock:
            return tuple(self._turns.get(conversation_id, ()))

    def add(self, conversation_id: str, question: str, answer: str) -> Turn:
        """Append a question and its answer, unless the answer is empty; return the answer's turn.

        Models are trained on turns that alternate and say something.
        """
        asked, answered = _turn("user", question), _turn("assistant", answer)
        if answer.strip():
            with self._lock:
                turns = self._touch(conversation_id)
                turns += (asked, answered)
                self._by_id |= {asked.id: asked, answered.id: answered}
                self._forget(turns[:-MAX_TURNS])
                del turns[:-MAX_TURNS]
        return answered

    def find(self, turn_id: str) -> Turn | None:
        """The turn with this id, wherever it was said."""
        with self._lock:
            return self._by_id.get(turn_id)

    def _touch(self, conversation_id: str) -> list[Turn]:
        turns = self._turns.setdefault(conversation_id, [])
        self._turns.move_to_end(conversation_id)
        while len(self._turns) > self._max:
            self._forget(self._turns.popitem(last=False)[1])
        return turns

    def _forget(self, turns: list[Turn]) -> None:
        for turn in turns:
            del self._by_id[turn.id]


def _turn(role: Role, text: str) -> Turn:
    return Turn(id=f"turn-{secrets.token_hex(8)}", role=role, text=text)
