"""How the residual stream is divided before training, and what is known of each token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NUM_SECTIONS = 12
"""Markers that can be told apart: two roles, the question and nine passages."""

USER_SECTION, QUESTION_SECTION, ASSISTANT_SECTION, FIRST_PASSAGE = 0, 1, 2, 3
NUM_PASSAGES = NUM_SECTIONS - FIRST_PASSAGE

EMBEDDED = 0.7
"""Length of the meaning part, and of the identity part, of an embedding."""

EMBEDDED_NORM2 = 4.5
"""Squared length of every whole embedding."""

NUM_OFFSETS = 3
"""Earlier tokens that are remembered one by one."""

_NUM_CODES = NUM_OFFSETS + 1
_NUM_ROLES = 2
_NUM_FLAGS = 12 + _NUM_ROLES + NUM_SECTIONS + NUM_PASSAGES
_MAX_BLOCK = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Subspaces:
    """Which residual dimensions hold what; for width 384 ``block`` is 48 and ``code`` 38."""

    width: int

    @property
    def block(self) -> int:
        """Dimensions of the meaning, and of the identity, of a token."""
        return min(_MAX_BLOCK, (self.width - _NUM_FLAGS - _NUM_CODES * self.code) // 4)

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
    def token(self) -> slice:
        """Meaning and identity together."""
        return slice(0, 2 * self.block)

    @property
    def output(self) -> slice:
        """What the unembedding reads: meaning and identity of the next token."""
        return slice(2 * self.block, 4 * self.block)

    @property
    def output_identity(self) -> slice:
        """Identity within the output."""
        return slice(self.output.start + self.block, self.output.stop)

    def earlier(self, offset: int) -> slice:
        """The code of the token ``offset`` places back (1, 2 or 3)."""
        start = 4 * self.block + (offset - 1) * self.code
        return slice(start, start + self.code)

    @property
    def before(self) -> slice:
        """The mean code of the tokens before those: about the fourth to twelfth back."""
        start = 4 * self.block + NUM_OFFSETS * self.code
        return slice(start, start + self.code)

    @property
    def constant(self) -> int:
        """A dimension that is 1 for every token."""
        return 4 * self.block + _NUM_CODES * self.code

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
    def begun(self) -> int:
        """A dimension that is 1 for a sentence's second token."""
        return self.constant + 9

    @property
    def rest(self) -> int:
        """A dimension that is 1 for the user token only: heads with nothing to do look there."""
        return self.constant + 10

    @property
    def section(self) -> slice:
        """One dimension for each marker, set from the latest marker on: which passage this is.

        The user's is set at its marker only, which the question's follows at once.
        """
        return slice(self.constant + 11, self.constant + 11 + NUM_SECTIONS)

    @property
    def passages(self) -> slice:
        """The part of ``section`` that stands for passages."""
        return slice(self.section.start + FIRST_PASSAGE, self.section.stop)

    @property
    def votes(self) -> slice:
        """The section of the passage in which the same word was found."""
        return slice(self.section.stop, self.section.stop + NUM_PASSAGES)

    @property
    def roles(self) -> slice:
        """One dimension each for question and assistant, set from their latest marker on."""
        return slice(self.votes.stop, self.votes.stop + _NUM_ROLES)

    @property
    def answering(self) -> int:
        """The dimension of ``roles`` that tells an answer's tokens from those they quote."""
        return self.filler - 1

    @property
    def filler(self) -> int:
        """A dimension that makes all embeddings equally long, so that norms treat them alike."""
        return self.constant + _NUM_FLAGS - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFeatures:
    """What is known of each token before training."""

    meaning: Tensor  # [V, any] float32, rows near each other for variants of a word
    rarity: Tensor  # [V] float32, 0 (frequent) to 1
    marker_ids: tuple[int, ...]  # user, question, assistant, passages
    end_ids: tuple[int, ...]  # tokens after which a sentence begins
    end_of_turn: int
