"""When a text ends: EOS, stop strings across token borders, and the token budget.

The rule is asked once per accepted token, in order, so a burst of tokens ends exactly where plain
decoding would have ended.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quoth.decoding.text_stream import TextStream

if TYPE_CHECKING:
    from quoth.decoding.generation import FinishReason


class StopStrings:
    """Lets text through, but holds back what could still become a stop string."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.found = False

    def push(self, text: str) -> str:
        """Add text; returns what is safe to show. After a stop string nothing is."""
        if self.found:
            return ""
        text = self._held + text
        hits = [place for place in (text.find(stop) for stop in self._stops) if place >= 0]
        if hits:
            self.found, self._held = True, ""
            return text[: min(hits)]
        cut = len(text) - self._unfinished(text)
        self._held = text[cut:]
        return text[:cut]

    def flush(self) -> str:
        """What was held back: nothing follows, so it is no stop string."""
        held, self._held = self._held, ""
        return held

    def _unfinished(self, text: str) -> int:
        """Length of the longest end of `text` that a stop string begins with."""
        longest = max(map(len, self._stops), default=0) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0


class StopRule:
    """Says after each token whether the text ends, and collects the text that is safe to show.

    `text` is None where there is no tokenizer; then there must be no stop strings.
    """

    def __init__(
        self,
        *,
        eos_token_ids: frozenset[int],
        max_tokens: int,
        stop: Sequence[str] = (),
        text: TextStream | None = None,
    ) -> None:
        self._eos_token_ids = eos_token_ids
        self._left = max_tokens
        self._stops = StopStrings(stop)
        self._text = text
        self._eager = bool(stop)  # text is needed after each token, not once per step
        self._waiting: list[int] = []
        self._shown: list[str] = []
        self.finish_reason: FinishReason | None = None

    def ends(self, token: int) -> bool:
        """Count one more token; returns whether it is the last."""
        self._left -= 1
        if token in self._eos_token_ids:
            self.finish_reason = "eos"
            return True
        self._waiting.append(token)
        if self._eager:
            self._read()
        if self._stops.found:
            self.finish_reason = "stop"
        elif self._left <= 0:
            self.finish_reason = "length"
        return self.finish_reason is not None

    @property
    def tokens_left(self) -> int:
        """How many more tokens the budget allows."""
        return self._left

    def take_text(self) -> str:
        """The text that became safe to show since the last call."""
        self._read()
        if self.finish_reason is not None and self._text is not None:
            self._shown.append(self._stops.push(self._text.flush()) + self._stops.flush())
        shown = "".join(self._shown)
        self._shown.clear()
        return shown

    def _read(self) -> None:
        if self._text is not None:
            self._shown.append(self._stops.push(self._text.push(self._waiting)))
        self._waiting.clear()
