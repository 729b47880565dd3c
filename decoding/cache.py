"""The keys and values of the tokens read so far: append, and roll back to any length just left.

Layers of attention, with sliding windows or without, have key blocks (`key_blocks`). Those of other
kinds are of transformers; they have none, and their bits may differ from step to step.
"""

import sys
from collections.abc import Sequence

import torch
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import (
    CacheLayerMixin,
    DummyLayer,
    DynamicIndexedLayer,
    DynamicLayer,
    DynamicSlidingWindowLayer,
    LinearAttentionCacheLayerMixin,
)

from quoth.decoding.key_blocks import BlockLayer, SlidingBlockLayer
from quoth.errors import UnsupportedModelError

_Layer = CacheLayerMixin | LinearAttentionCacheLayerMixin | DummyLayer
_ROLLS_BACK = (DynamicLayer, DynamicSlidingWindowLayer, DynamicIndexedLayer, DummyLayer)


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
                _in_blocks(layer, block=block, slack=slack, most=most)
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
        """Whether it can be cut; else only to what it was before the last pass."""
        return all(isinstance(layer, BlockLayer | DummyLayer) for layer in self.states.layers)

    def goes_back_to(self, length: int) -> bool:
        """Whether it can be cut to this length."""
        if not self.goes_back:
            return False
        sliding = (layer for layer in self.states.layers if isinstance(layer, SlidingBlockLayer))
        return all(layer.reaches(length) for layer in sliding)

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
        """Keep the first `length` tokens; layers without blocks can give back only the last step.

        Raises:
            ValueError: Fewer tokens are there, or a sliding window has moved on too far.
        """
        surplus = self.length - length
        if surplus < 0 or (self.goes_back and not self.goes_back_to(length)):
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


def _in_blocks(layer: _Layer, *, block: int, slack: int, most: int) -> _Layer:
    """The same with key blocks, if there are such."""
    if type(layer) is DynamicLayer:
        return BlockLayer(block=block, slack=slack, most=most)
    if type(layer) is DynamicSlidingWindowLayer:
        window = layer.sliding_window
        return SlidingBlockLayer(block=block, slack=slack, most=most, window=window)
    return layer
