"""How the residual stream is divided before training, and what is known of each token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NUM_SECTIONS = 12
"""Markers that can be told apart: the question, two roles and nine passages."""

QUESTION_SECTION, USER_SECTION, ASSISTANT_SECTION, FIRST_PASSAGE = 0, 1, 2, 3
NUM_PASSAGES = NUM_SECTIONS - FIRST_PASSAGE

EMBEDDED = 0.7
"""Length of the meaning part, and of the identity part, of an embedding."""

EMBEDDED_NORM2 = 4.5
"""Squared length of every whole embedding."""

_NUM_OFFSETS = 3
_NUM_FLAGS = 10 + NUM_SECTIONS + NUM_PASSAGES
_MAX_BLOCK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Subspaces:
    """Which residual dimensions hold what; for width 320 ``block`` is 48 and ``code`` 32."""

    width: int

    @property
    def block(self) -> int:
        """Dimensions of the meaning, and of the identity, of a token."""
        return min(_MAX_BLOCK, (self.width - _NUM_FLAGS - _NUM_OFFSETS * self.code) // 4)

    @property
    def code(self) -> int:
        """Dimensions of an earlier token's code."""
        return int(0.1 * self.width)

    @property
    def meaning(self) -> slice:
        """The current token's meaning: close for variants of one word."""
        return slice(0, self.block)

    @property
    def identity(self) -> slice:
        """The current token's identity: random."""
        return slice(self.block, 2 * self.block)

    @property
    def output(self) -> slice:
        """What the unembedding reads: meaning and identity of the next token."""
        return slice(2 * self.block, 4 * self.block)

    @property
    def output_parts(self) -> tuple[slice, slice]:
        """Meaning and identity within the output."""
        middle = self.output.start + self.block
        return slice(self.output.start, middle), slice(middle, self.output.stop)

    def earlier(self, offset: int) -> slice:
        """The code of the token ``offset`` places back (1, 2 or 3)."""
        start = 4 * self.block + (offset - 1) * self.code
        return slice(start, start + self.code)

    @property
    def constant(self) -> int:
        """A dimension that is 1 for every token."""
        return 4 * self.block + _NUM_OFFSETS * self.code

    @property
    def rarity(self) -> int:
        """A dimension that grows with the token's rarity."""
        return self.constant + 1

    @property
    def matched(self) -> slice:
        """Whether the token stands in the question, and its rarity there."""
        return slice(self.constant + 2, self.constant + 4)

    @property
    def asked(self) -> int:
        """The rarity of tokens of the question, nothing for others."""
        return self.constant + 4

    @property
    def density(self) -> slice:
        """The mean of ``matched`` over about a sentence."""
        return slice(self.constant + 5, self.constant + 7)

    @property
    def ends(self) -> int:
        """A dimension that is 1 for tokens after which a sentence begins."""
        return self.constant + 7

    @property
    def begins(self) -> int:
        """A dimension that is 1 for a sentence's first token."""
        return self.constant + 8

    @property
    def votes(self) -> slice:
        """The section of the passage in which the same word was found."""
        return slice(self.section.stop, self.section.stop + NUM_PASSAGES)

    @property
    def filler(self) -> int:
        """A dimension that makes all embeddings equally long, so that norms treat them alike."""
        return self.constant + _NUM_FLAGS - 1

    @property
    def section(self) -> slice:
        """One dimension for each marker, set from the latest marker on: which passage this is."""
        return slice(self.constant + 9, self.constant + 9 + NUM_SECTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFeatures:
    """What is known of each token before training."""

    meaning: Tensor  # [V, any] float32, rows near each other for variants of a word
    rarity: Tensor  # [V] float32, 0 (frequent) to 1
    marker_ids: tuple[int, ...]  # question, user, assistant, passages
    end_ids: tuple[int, ...]  # tokens after which a sentence begins
