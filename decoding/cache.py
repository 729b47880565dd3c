"""The keys and values of the tokens read so far: append, and roll back to any length just left.

Layers with full attention keep their keys in one buffer that is written in place: rolling back
costs nothing, and what attention sees ends at a multiple of `block` (plus `slack` for rows that are
thrown away). A row at position p then has the same number of keys in every step, however many rows
the step has; the causal mask hides what lies behind it. Equal bits need that, and kernels that
deal with every row alike: `DecodingConfig` says where they were measured, and where they differed.
Sliding-window layers are those of transformers, which record the past so that they can be rolled
back; they have no blocks, and their bits may differ from step to step.
"""

import sys
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import (
    DummyLayer,
    DynamicIndexedLayer,
    DynamicLayer,
    DynamicSlidingWindowLayer,
)

from quoth.errors import UnsupportedModelError

_DIMS = 4  # of keys and values; transformers begins with an empty vector
_ROLLS_BACK = (DynamicLayer, DynamicSlidingWindowLayer, DynamicIndexedLayer, DummyLayer)


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
        self.is_padding = False  # off while the prompt is read

    def visible(self, rows: int) -> int:
        """Number of keys that a step of `rows` rows sees."""
        return self._visible(self._length, rows)

    def _visible(self, start: int, rows: int) -> int:
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
        """Write them behind the old ones; returns what a step of `rows` rows, at least new, sees.

        Rows that are thrown away need no keys of their own: nobody looks at them.
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        visible, end = self.visible(rows), self._length + key_states.shape[-2]
        capacity = self.keys.shape[-2] if self.keys is not None and self.keys.dim() == _DIMS else 0
        if visible > capacity:
            capacity = max(visible, end + self._block + self._slack)
            self.keys = _grown(self.keys, key_states, capacity)
            self.values = _grown(self.values, value_states, capacity)
        assert self.keys is not None
        assert self.values is not None
        start, self._length = self._length, end
        self.write(start, key_states, value_states)
        return self.keys[:, :, :visible], self.values[:, :, :visible]

    def write(self, start: int, key_states: Tensor, value_states: Tensor) -> None:
        """Put keys and values in the place of those that are there from `start` on."""
        assert self.keys is not None
        assert self.values is not None
        end = start + key_states.shape[-2]
        self.keys[:, :, start:end] = key_states
        self.values[:, :, start:end] = value_states

    def seen_from(self, start: int, rows: int) -> tuple[Tensor, Tensor]:
        """What a step of `rows` rows sees that begins at position `start`."""
        assert self.keys is not None
        assert self.values is not None
        visible = self._visible(start, rows)
        return self.keys[:, :, :visible], self.values[:, :, :visible]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Number of keys that attention will see, and where they begin."""
        return self.visible(query_length), 0

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
        end = start + len(places)
        self.keys[:, :, start:end] = self.keys.index_select(2, places)
        self.values[:, :, start:end] = self.values.index_select(2, places)
        self._length = end


def _grown(buffer: Tensor | None, like: Tensor, capacity: int) -> Tensor:
    """A copy of `buffer` with room for `capacity` positions; the new ones hold zeros."""
    grown = like.new_zeros((*like.shape[:2], capacity, like.shape[3]))
    if buffer is not None and buffer.dim() == _DIMS:
        grown[:, :, : buffer.shape[2]] = buffer
    return grown


class KVCache:
    """The cache of one sequence.

    Args:
        config: The model's (text) configuration; it says which layers there are.
        block: Keys end at a multiple of this; 0 leaves all layers to transformers.
        slack: Keys behind that border, for rows that are thrown away.
        most: No more keys than these, for models whose own tables end there.

    Raises:
        UnsupportedModelError: A layer keeps a state that cannot be rolled back.
    """

    def __init__(
        self, config: PretrainedConfig, *, block: int, slack: int, most: int = sys.maxsize
    ) -> None:
        self.states = DynamicCache(config=config)
        strange = {type(layer) for layer in self.states.layers if type(layer) not in _ROLLS_BACK}
        if strange or not self.states.layers:
            names = ", ".join(sorted(kind.__name__ for kind in strange)) or "no layers"
            raise UnsupportedModelError(
                f"The model type {config.model_type!r} keeps states that cannot be rolled back "
                f"({names}). Choose a model whose layers all use attention."
            )
        if block:
            self.states.layers = [
                BlockLayer(block=block, slack=slack, most=most)
                if type(layer) is DynamicLayer
                else layer
                for layer in self.states.layers
            ]
        self._block = block

    @property
    def length(self) -> int:
        """Number of tokens whose keys and values are kept."""
        return next(
            layer.get_seq_length()
            for layer in self.states.layers
            if isinstance(layer, DynamicLayer)  # layers that share another's keys count nothing
        )

    def finish_prompt(self) -> None:
        """The prompt is read: from here on steps are rolled back."""
        self.states.activate_past_recording()  # type: ignore[no-untyped-call] # transformers
        for layer in self.states.layers:
            if isinstance(layer, BlockLayer):
                layer.is_padding = True

    @property
    def holds_trees(self) -> bool:
        """Whether every layer can keep one path of a forked draft and forget the others."""
        return all(isinstance(layer, BlockLayer) for layer in self.states.layers)

    @property
    def goes_back(self) -> bool:
        """Whether it can be cut to any length; else only to what it was before the last pass."""
        return all(isinstance(layer, BlockLayer | DummyLayer) for layer in self.states.layers)

    @property
    def block_layers(self) -> list[BlockLayer]:
        """The layers, where all of them have key blocks.

        Raises:
            ValueError: Some have none.
        """
        layers = [layer for layer in self.states.layers if isinstance(layer, BlockLayer)]
        if len(layers) < len(self.states.layers):
            raise ValueError("some layers have no key blocks")
        return layers

    @property
    def room(self) -> int:
        """How many rows the next step may keep without reaching over a border of keys."""
        return self._block - self.length % self._block if self._block else 2**31

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens; sliding layers can give back only the last step.

        Raises:
            ValueError: Fewer tokens are there.
        """
        surplus = self.length - length
        if surplus < 0:
            raise ValueError(f"the cache holds {self.length} tokens; it cannot keep {length}")
        self.states.crop(-surplus)

    def keep_path(self, length: int, nodes: Sequence[int]) -> None:
        """Keep the first `length` tokens and of the rows behind them those of `nodes`, in order.

        Example: 10 tokens are kept and nodes (0, 2, 5): rows 10, 12 and 15 become 10, 11 and 12.

        Raises:
            ValueError: A row is not there.
        """
        if nodes and not 0 <= max(nodes) < self.length - length:
            raise ValueError(f"the cache holds {self.length - length} rows of a draft, no {nodes}")
        if list(nodes) == list(range(len(nodes))):
            self.truncate(length + len(nodes))
            return
        for layer in self.states.layers:
            if isinstance(layer, BlockLayer):
                places = torch.tensor(nodes, device=layer.device) + length
                layer.pick(length, places)
