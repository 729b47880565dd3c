"""Incremental detokenisation: a token stream's text in pieces, none of them half a character.

The pieces, concatenated, are the decoding of the whole; special tokens are left out. Only a short
window is decoded at each step, so a long answer costs no more per token than a short one.
"""

import re
from collections.abc import Sequence
from typing import Protocol

_REPLACEMENT = "\ufffd"  # what decoders write for bytes that are not a character (yet)
_BYTE = re.compile("<0x[0-9A-Fa-f]{2}>")  # how byte-fallback tokenizers name a token of one byte
_WINDOW = 16  # tokens after which the window is moved


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that decoding needs."""

    def decode(
        self,
        token_ids: list[int],
        *,
        skip_special_tokens: bool = ...,
        clean_up_tokenization_spaces: bool = ...,
    ) -> str:
        """The text of `token_ids`."""
        ...

    def convert_ids_to_tokens(self, ids: int) -> str | None:
        """How the vocabulary writes one token; None if there is no such token."""
        ...


class TextStream:
    """Turns tokens into text as they come.

    A character may be spread over several tokens; it is held back until its last byte is there.
    Byte-fallback tokenizers read a run of byte tokens as a whole: one bad byte turns all of them
    into replacement characters, so such a run is held back until a token with a text of its own
    ends it. What is out never changes, and does not depend on the bursts that tokens come in.

    The window always begins with tokens whose text is out already, because decoders treat the first
    token of a text differently (a leading space is dropped).
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._window: list[int] = []
        self._shown = 0  # characters of the window's text that are out
        self._anchor = 0  # where the window may be cut: its text up to here is whole characters

    def push(self, token_ids: Sequence[int]) -> str:
        """Add tokens; returns the text that they finish."""
        if not token_ids:
            return ""
        self._window.extend(token_ids)
        settled = self._settled()
        text = self._decode(self._window[:settled])
        # An unfinished character decodes to one replacement character, or to one for each byte.
        whole = text.rstrip(_REPLACEMENT)
        piece = whole[self._shown :]
        self._shown = max(self._shown, len(whole))
        if settled >= _WINDOW and whole == text:
            self._move(text, settled)
        return piece

    def flush(self) -> str:
        """What was held back: the text ends here, so an unfinished character stays one."""
        piece = self._decode(self._window)[self._shown :] if self._window else ""
        self._shown += len(piece)
        return piece

    def _settled(self) -> int:
        """How many tokens of the window are not part of a run of bytes that may go on."""
        end = len(self._window)
        while end and self._leaves_run_open(self._window[end - 1]):
            end -= 1
        return end

    def _leaves_run_open(self, token: int) -> bool:
        """Whether it is one byte, or has no text and so does not end a run of bytes."""
        name = self._tokenizer.convert_ids_to_tokens(token)
        return name is None or bool(_BYTE.fullmatch(name)) or not self._decode([token])

    def _move(self, text: str, settled: int) -> None:
        """Drop the front of the window if the rest reads the same without it."""
        rest = self._window[self._anchor : settled] if self._anchor else []
        rest_text = self._decode(rest) if rest else ""
        if rest_text and text.endswith(rest_text):
            self._window, self._shown = self._window[self._anchor :], len(rest_text)
            settled = len(rest)
        self._anchor = settled

    def _decode(self, token_ids: list[int]) -> str:
        return self._tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
