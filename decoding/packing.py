"""One forward pass over many sequences or branches, each with the bits of its own pass.

The tokens of all sequences stand behind one another in one row of the model's input, so that every
linear layer runs once over all of them. Only attention knows whose token is whose: it is computed
for each sequence apart, by the model's own function, on the sequence's own keys and under the mask
that the model makes for it, with as many rows as the sequence's own pass would have. So what is
asked of the model is no more than what drafts ask of it: that a row of a matrix product does not
depend on the rows beside it.

Drafts that fork are read in the same way: attention is computed for each path by itself, on keys
that lie where they lie when that path is the text. One pass with a mask of the tree would be
shorter, but its sums run over keys in other places and round differently, in bfloat16 too.

The model itself is not touched. The pass runs on a twin: the same weights and modules, with another
attention function.
"""

import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cached_property, partial
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.cache_utils import Cache, DynamicLayer
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from quoth.decoding.expert_rows import with_filled_experts
from quoth.decoding.key_blocks import BlockLayer
from quoth.decoding.part import Part
from quoth.decoding.twin import twin

_NAME = "quoth_rows"  # of the attention function, among those of transformers
_IMPLEMENTATIONS = ("eager", "sdpa")  # those that take a mask for each pass


class _Pass:
    """What attention must know while a pass runs."""

    def __init__(self, parts: Sequence[Part], implementation: str) -> None:
        self.parts = parts
        self.implementation = implementation
        self.widths = [len(part.token_ids) for part in parts]
        self.seen: list[_Seen] = []
        self.layers_done = 0

    def split(
        self,
        states: Tensor,  # [1, H, tokens, D]
    ) -> Sequence[Tensor]:  # [1, H, its tokens, D]
        """The states of each part; those of tokens behind the last part are left out."""
        surplus = states.shape[2] - sum(self.widths)
        return torch.split(states, [*self.widths, surplus], dim=2)[: len(self.parts)]


_current: ContextVar[_Pass] = ContextVar("the pass that runs in this thread")


class _Masks(tuple[Sequence[Tensor | None], ...]):
    """The masks of each part, one per path; no tensor, so that no model can take it for one."""

    __slots__ = ()


class _Seen(NamedTuple):
    """The keys and values of a part in the layer at work; the part's own begin at `start`."""

    layer: BlockLayer
    start: int
    keys: Tensor
    values: Tensor


class _PackedLayer(DynamicLayer):  # type: ignore[no-untyped-call] # transformers' subclass hook
    """Hands the keys and values of one layer to the sequences that they belong to."""

    def __init__(self, layers: Sequence[BlockLayer]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # transformers
        self._layers = layers

    def update(
        self, key_states: Tensor, value_states: Tensor, *_args: object, **_kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write them behind those of their sequences; what comes back are the new ones only."""
        current = _current.get()
        current.seen = []
        for layer, part, keys, values in zip(
            self._layers,
            current.parts,
            current.split(key_states),
            current.split(value_states),
            strict=True,
        ):
            current.seen.append(_Seen(layer, layer.get_seq_length(), keys, values))
            layer.append(keys, values, rows=max(map(part.rows, part.paths)))
        return key_states, value_states

    def get_seq_length(self) -> int:
        """None of the tokens of the pass stands behind another one."""
        return 0


class Packer:
    """Runs passes over many sequences on one model; made anew for each batch, which costs little.

    Args:
        model: A causal language model in evaluation mode.
        min_rows: The tokens of a pass are a multiple of this, as those of a single sequence's are.

    Raises:
        ValueError: The model computes its attention in a way that cannot be split.
    """

    def __init__(self, model: PreTrainedModel, *, min_rows: int) -> None:
        implementation = model.config.get_text_config(decoder=True)._attn_implementation
        if implementation not in _IMPLEMENTATIONS:
            raise ValueError(f"its attention is computed by {implementation!r}")
        self._implementation = implementation
        self._min_rows = min_rows
        self._of = model

    @cached_property
    def _model(self) -> PreTrainedModel:
        """Made when the first pass is run; most requests have none."""
        return _with_our_attention(with_filled_experts(self._of, self._min_rows))

    @torch.inference_mode()
    def logits(self, parts: Sequence[Part]) -> list[Tensor]:  # of each part [its tokens, V] float32
        """The logits after each token of each part; the keys are added to the parts' layers.

        Raises:
            ValueError: The model did not compute its attention by the function that it was given.
        """
        current = _Pass(parts, self._implementation)
        states = Cache(
            layers=[_PackedLayer(own) for own in zip(*(part.layers for part in parts), strict=True)]
        )
        token = _current.set(current)
        try:
            output = self._model(**self._inputs(parts), past_key_values=states, use_cache=True)
        finally:
            _current.reset(token)
        if current.layers_done != len(states.layers):
            raise ValueError("its attention is a function of its own")
        return [own[0, 0].float() for own in current.split(output.logits[:, None])]

    def _inputs(self, parts: Sequence[Part]) -> dict[str, Tensor]:
        """Tokens and positions, [1, tokens] each, filled up to a multiple of the least rows."""
        token_ids = [token for part in parts for token in part.token_ids]
        positions = [position for part in parts for position in part.positions]
        surplus = -len(token_ids) % self._min_rows
        device = self._model.device
        return {
            "input_ids": torch.tensor([token_ids + token_ids[-1:] * surplus], device=device),
            "position_ids": torch.tensor([positions + positions[-1:] * surplus], device=device),
        }


def _with_our_attention(model: PreTrainedModel) -> PreTrainedModel:
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, _masks)

    def change(config: PretrainedConfig) -> None:
        config._attn_implementation = _NAME

    return twin(model, change)


def _masks(**arguments: object) -> _Masks:
    """In place of a mask: what the model's own mask function gives for each part of the pass."""
    current = _current.get()
    function = ALL_MASK_ATTENTION_FUNCTIONS[current.implementation]
    is_sliding = arguments.get("local_size") is not None

    def mask(part: Part, path: Sequence[int]) -> Tensor | None:
        layer, rows = _first_of_kind(part.layers, is_sliding=is_sliding), part.rows(path)
        own = {
            "q_length": rows,
            "kv_length": layer.visible(rows),
            "q_offset": layer.get_seq_length(),
            "kv_offset": layer.first,
        }
        return cast("Tensor | None", function(**{**arguments, **own}))

    return _Masks([mask(part, path) for path in part.paths] for part in current.parts)


def _first_of_kind(layers: Sequence[BlockLayer], *, is_sliding: bool) -> BlockLayer:
    """Layers of one kind see the same keys; those that slide see others than those that do not."""
    return next((layer for layer in layers if layer.is_sliding == is_sliding), layers[0])


def _attend(
    module: nn.Module,
    query: Tensor,  # [1, H, tokens, D]
    _keys: Tensor,
    _values: Tensor,
    attention_mask: _Masks | None,
    **options: object,
) -> tuple[Tensor, None]:  # [1, tokens, H, D]
    """Attention of each part by itself, as the model computes it."""
    current = _current.get()
    function = partial(_function(module, current.implementation), module)
    current.layers_done += 1
    attended = query.new_zeros(1, query.shape[2], query.shape[1], current.seen[0].values.shape[-1])
    outputs = current.split(attended.transpose(1, 2))
    for number, (part, own, seen) in enumerate(
        zip(current.parts, current.split(query), current.seen, strict=True)
    ):
        masks = attention_mask[number] if attention_mask is not None else [None] * len(part.paths)
        for path, mask in zip(part.paths, masks, strict=True):
            rows = part.rows(path)
            keys, values = _along(seen, path, rows, is_chain=part.is_chain)
            asked = own if part.is_chain else own[:, :, path]
            output, _ = function(_padded(asked, rows), keys, values, mask, **options)
            outputs[number][:, :, path] = output[:, : len(path)].transpose(1, 2)
        if not part.is_chain:
            seen.layer.write(seen.start, seen.keys, seen.values)
    return attended, None


def _along(seen: _Seen, path: Sequence[int], rows: int, *, is_chain: bool) -> tuple[Tensor, Tensor]:
    """The keys and values that a pass over this path alone would see, where it would see them."""
    if not is_chain:
        seen.layer.write(seen.start, seen.keys[:, :, path], seen.values[:, :, path])
    return seen.layer.seen_from(seen.start, rows)


def _padded(query: Tensor, rows: int) -> Tensor:
    """With copies of the last row behind it; laid out in memory as the model does it."""
    surplus = rows - query.shape[2]
    by_token = query.transpose(1, 2)
    last = by_token[:, -1:].expand(-1, surplus, -1, -1)
    return torch.cat((by_token, last), dim=1).transpose(1, 2)


def _function(module: nn.Module, implementation: str) -> Callable[..., tuple[Tensor, Any]]:
    """The attention function that the module would call by itself."""
    if implementation in ALL_ATTENTION_FUNCTIONS:
        return cast("Callable[..., Any]", ALL_ATTENTION_FUNCTIONS[implementation])
    forward = inspect.unwrap(type(module).forward)
    return cast("Callable[..., Any]", forward.__globals__["eager_attention_forward"])
