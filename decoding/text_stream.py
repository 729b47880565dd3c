"""Incremental detokenisation: a token stream's text in pieces, none of them half a character.

The pieces, concatenated, are the decoding of the whole; special tokens are left out. Only a short
window is decoded at each step, so a long answer costs no more per token than a short one.
"""

from collections.abc import Sequence
from typing import Protocol

_REPLACEMENT = "\ufffd"  # what decoders write for bytes that are not a character (yet)
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


class TextStream:
    """Turns tokens into text as they come.

    A character may be spread over several tokens; it is held back until its last byte is there.
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
        text = self._decode(self._window)
        # An unfinished character decodes to exactly one replacement character at the end.
        whole = text.removesuffix(_REPLACEMENT)
        piece = whole[self._shown :]
        self._shown = max(self._shown, len(whole))
        if len(self._window) >= _WINDOW and whole == text:
            self._move(text)
        return piece

    def flush(self) -> str:
        """What was held back: the text ends here, so an unfinished character stays one."""
        piece = self._decode(self._window)[self._shown :] if self._window else ""
        self._shown += len(piece)
        return piece

    def _move(self, text: str) -> None:
        """Drop the front of the window if the rest reads the same without it."""
        rest = self._window[self._anchor :] if self._anchor else []
        rest_text = self._decode(rest) if rest else ""
        if rest_text and text.endswith(rest_text):
            self._window, self._shown = rest, len(rest_text)
        self._anchor = len(self._window)

    def _decode(self, token_ids: list[int]) -> str:
        return self._tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
