"""One sequence's part of a forward pass that is computed part by part."""

from collections.abc import Sequence
from dataclasses import dataclass

from quoth.decoding.key_blocks import BlockLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The tokens that a sequence reads in a pass, and the keys that they see.

    `token_ids` are the last token and the draft, `positions` their places in the sequence. `paths`
    are the ways through the draft, each from the last token (0) down to a leaf, by the numbers of
    their tokens; a chain has one. A pass over one path alone would have a multiple of `min_rows`
    rows. `layers` are the sequence's keys.
    """

    token_ids: Sequence[int]
    positions: Sequence[int]
    paths: Sequence[Sequence[int]]
    min_rows: int
    layers: Sequence[BlockLayer]

    @property
    def is_chain(self) -> bool:
        """Whether there is one path, which takes in all tokens."""
        return len(self.paths) == 1

    def rows(self, path: Sequence[int]) -> int:
        """How many rows a pass over this path alone would have, surplus included."""
        return -(-len(path) // self.min_rows) * self.min_rows
