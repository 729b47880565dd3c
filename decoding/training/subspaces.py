"""How the residual stream is divided before training, and how a head's dimensions are.

MiniLM's blocks read and write the first 384 dimensions. The circuits for copying have 128 more to
themselves: codes of tokens, and flags that are 1 or 0.
"""

from __future__ import annotations

MEANING = slice(0, 384)
"""What MiniLM's blocks read and write."""

CIRCUITS = slice(384, 512)
"""What only circuits read and write: all that follows."""

WORD = slice(384, 423)
"""A random code of the token's spelling, the same with and without a blank before it."""

BLANK = 423
"""Whether a blank comes before the token."""

IDENTITY = slice(384, 424)
"""Word and blank together: what the unembedding reads."""

START = slice(424, 456)
"""The code of the first token of the sentence."""

EARLIER = (slice(456, 470), slice(470, 480))
"""Codes of the last token and of the one before it.

From the second layer on, the latter has those of the two tokens before it beside its own.
"""

SECOND = slice(480, 490)
"""The code of the second token of the sentence; nothing in questions."""

USER, QUESTION, ASSISTANT = 490, 491, 492
"""The user's marker; the question, the assistant's words from their latest marker on."""

PASSAGES = slice(493, 502)
"""Which passage this is, set from its marker on; a marker itself has 2."""

ANSWERING = 502
"""An answer's tokens, those that it quotes included."""

MARKER = 503
"""The marker of a passage."""

ENDS, BEGINS, BEGUN = 504, 505, 506
"""A sentence ends here; its first token; its second."""

OPENS = 507
"""The assistant's marker: a sentence begins behind it, though none ends there."""

LENGTHS = (508, 511)
"""The squared lengths of the codes in ``EARLIER``, from the second layer on."""

FILLER = (509, 510)
"""Two dimensions that make every embedding equally long and its mean zero."""

WIDTH = 512
FEED_FORWARD = 1536

NUM_HEADS, HEAD_SIZE = 16, 48
NUM_BLOCK_HEADS = 12
"""Heads of a layer that a block of MiniLM takes; circuits have those after them."""

CHOOSE_PASSAGE, CHOOSE_SENTENCE, COPY, END_TURN, QUOTE_TURN, SECOND_WORD = range(6)
"""Heads of the last layer: where all but the fourth look, training can be told."""

COPIES = (COPY, 6, 7)
"""Three of them that copy, each by its own measure: what two of them say is said."""

POINTED = (CHOOSE_PASSAGE, CHOOSE_SENTENCE, QUOTE_TURN, SECOND_WORD, *COPIES)
"""Those that training tells where to look; all that copy are told the same."""

REPEATED = 8
"""One that knows what followed the last words earlier in this answer, and says it less."""

TURNING = slice(0, 16)
"""Dimensions of a head that turn with the position: pair ``i`` is ``i`` and ``i + 8``."""

CONTENT = slice(16, 48)
"""Dimensions of a head that do not turn: as many as a head of MiniLM has."""

NUM_PAIRS = 8
ROPE_THETA = 1e4
SPEEDS = tuple(ROPE_THETA ** (-pair / NUM_PAIRS) for pair in range(NUM_PAIRS))
"""Radians a place by which each pair turns."""
