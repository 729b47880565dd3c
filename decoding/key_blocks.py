"""Keys and values in blocks: one layer of a sequence, which every step sees in the same layout.

A layer keeps its keys in one buffer that is written in place: rolling back costs nothing, and what
attention sees ends at a multiple of `block` (plus `slack` for rows that are thrown away). A row at
position p then has the same keys in the same places in every step, however many rows the step has;
the mask hides what lies behind it. Equal bits need that, and kernels that deal with every row
alike: `DecodingConfig` says where they were measured, and where they differed.
"""

import sys

from torch import Tensor
from transformers.cache_utils import DynamicLayer

_DIMS = 4  # of keys and values; transformers begins with an empty vector
_KEPT = 1024  # keys of a sliding window's past that stay, to be rolled back to


class BlockLayer(DynamicLayer):  # type: ignore[no-untyped-call] # transformers' subclass hook
    """Keys and values of one layer, [B, H, capacity, D], of which `length` positions are in use.

    Worked example with block 256 and slack 16: after a prompt of 300 tokens a step of 4 rows and a
    step of 20 rows both see 528 keys (positions 0 to 511, and 16 for rows that are thrown away).
    """

    def __init__(self, *, block: int, slack: int, most: int = sys.maxsize) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # transformers
        self._block = block
        self._slack = slack
        self._most = most
        self._length = 0
        self._base = 0  # position of the first key in the buffer
        self.is_padding = False  # off while the prompt is read

    def visible(self, rows: int) -> int:
        """Number of keys that a step of `rows` rows sees."""
        return self._visible(self._length, rows) - self.first

    @property
    def first(self) -> int:
        """Position of the first key that the next step sees."""
        return self._first(self._length)

    def _first(self, start: int) -> int:  # noqa: ARG002 - windows slide
        return 0

    def _visible(self, start: int, rows: int) -> int:
        """The position up to which a step sees keys."""
        end = start + rows
        if not self.is_padding:
            return end
        border = (start // self._block + 1) * self._block
        return max(min(border + self._slack, self._most), end)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_args: object, **_kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write the new keys and values behind the old ones; returns what attention sees."""
        return self.append(key_states, value_states, rows=key_states.shape[-2])

    def append(
        self,
        key_states: Tensor,  # [B, H, new, D]
        value_states: Tensor,  # [B, H, new, D]
        *,
        rows: int,
    ) -> tuple[Tensor, Tensor]:
        """Write them behind the old ones; returns what a step of `rows` rows sees.

        Rows that are thrown away need no keys of their own: nobody looks at them. A draft that
        forks has more keys than its longest path has rows; they fit, as no draft leaves its block.
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self._length, self._length + key_states.shape[-2]
        needed = self._visible(start, rows) - self._base
        capacity = self.keys.shape[-2] if self.keys is not None and self.keys.dim() == _DIMS else 0
        if needed > capacity:
            capacity = max(needed, end - self._base + self._block + self._slack)
            self.keys = _grown(self.keys, key_states, capacity)
            self.values = _grown(self.values, value_states, capacity)
        self._length = end
        self.write(start, key_states, value_states)
        return self.seen_from(start, rows)

    def write(self, start: int, key_states: Tensor, value_states: Tensor) -> None:
        """Put keys and values in the place of those that are there from `start` on."""
        assert self.keys is not None
        assert self.values is not None
        start -= self._base
        end = start + key_states.shape[-2]
        self.keys[:, :, start:end] = key_states
        self.values[:, :, start:end] = value_states

    def seen_from(self, start: int, rows: int) -> tuple[Tensor, Tensor]:
        """What a step of `rows` rows sees that begins at position `start`."""
        assert self.keys is not None
        assert self.values is not None
        first, end = self._first(start) - self._base, self._visible(start, rows) - self._base
        return self.keys[:, :, first:end], self.values[:, :, first:end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Number of keys that attention will see, and where they begin."""
        return self.visible(query_length), self.first

    def get_seq_length(self) -> int:
        """Number of positions in use."""
        return self._length

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the last `-tokens_to_remove` positions (transformers counts them negative)."""
        self._length += tokens_to_remove

    def pick(self, start: int, places: Tensor) -> None:
        """Keep the positions before `start`, and after them those of `places`, in that order."""
        assert self.keys is not None
        assert self.values is not None
        self._length = start + len(places)
        start, end, places = start - self._base, self._length - self._base, places - self._base
        self.keys[:, :, start:end] = self.keys.index_select(2, places)
        self.values[:, :, start:end] = self.values.index_select(2, places)


class SlidingBlockLayer(BlockLayer):  # type: ignore[no-untyped-call] # the same hook
    """The same for a window that slides: what a step sees begins at a multiple of `block`, too.

    Worked example with block 256 and window 300: steps that begin at position 1,100 or 1,200 both
    see keys from 512 on, because the block's first row, at 1,024, sees those from 725 on. The mask
    hides from each row what lies before its own window.
    """

    is_sliding = True

    def __init__(self, *, block: int, slack: int, window: int, most: int = sys.maxsize) -> None:
        super().__init__(block=block, slack=slack, most=most)
        self.sliding_window = window

    def _first(self, start: int) -> int:
        if not self.is_padding:
            return max(0, start - self.sliding_window + 1)
        earliest = start // self._block * self._block - self.sliding_window + 1
        return max(0, earliest // self._block * self._block)

    def append(
        self, key_states: Tensor, value_states: Tensor, *, rows: int
    ) -> tuple[Tensor, Tensor]:
        """As in `BlockLayer`; the keys of a past that nobody goes back to are let go."""
        kept = max(_KEPT, self._block)  # behind the prompt, steps begin up to a block earlier
        unseen = (self.first - self._base - kept) // self._block * self._block
        if unseen >= kept and self.keys is not None and self.values is not None:
            self.keys = self.keys[:, :, unseen:].clone()
            self.values = self.values[:, :, unseen:].clone()
            self._base += unseen
        return super().append(key_states, value_states, rows=rows)

    def reaches(self, length: int) -> bool:
        """Whether what a step at this length would see is still there."""
        return self._first(length) >= self._base


def _grown(buffer: Tensor | None, like: Tensor, capacity: int) -> Tensor:
    """A copy of `buffer` with room for `capacity` positions; the new ones hold zeros."""
    grown = like.new_zeros((*like.shape[:2], capacity, like.shape[3]))
    if buffer is not None and buffer.dim() == _DIMS:
        grown[:, :, : buffer.shape[2]] = buffer
    return grown
