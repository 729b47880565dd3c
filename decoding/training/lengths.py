"""A circuit that measures how long the codes of earlier tokens are, in the second layer's MLP.

Copying heads rank contexts by distance, for which they need each key's squared length, and that is
no linear function of it. Two units are one: ``gelu(x) + gelu(-x) = x erf(x / sqrt(2))``, which for
small ``x`` is ``sqrt(2 / pi)`` times its square.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.subspaces import CIRCUITS, EARLIER, LENGTHS

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import NemotronForCausalLM

_LAYER = 1
_SMALL = 0.5  # codes' components are below 1.2: their squares come out 6 % too small at most
_NEEDED = 2 * sum(code.stop - code.start for code in EARLIER)


@torch.no_grad()
def write_lengths(model: NemotronForCausalLM) -> None:
    """Take the units that MiniLM's second block needs least; a model of one block has none."""
    if model.config.num_hidden_layers - 1 <= _LAYER:
        return
    mlp = model.model.layers[_LAYER].mlp
    up, down = mlp.up_proj, mlp.down_proj
    units = (up.weight.norm(dim=1) * down.weight.norm(dim=0)).argsort()[:_NEEDED]
    up.weight[units], up.bias[units], down.weight[:, units] = 0.0, 0.0, 0.0
    pairs = iter(units.view(-1, 2))
    for code, length in zip(EARLIER, LENGTHS, strict=True):
        for dimension in range(code.start, code.stop):
            pair = next(pairs)
            up.weight[pair, dimension] = torch.tensor([_SMALL, -_SMALL])
            down.weight[length, pair] = math.sqrt(math.pi / 2) / _SMALL**2


def mask_lengths(masks: NemotronForCausalLM, model: NemotronForCausalLM) -> None:
    """Leave the units that ``model`` has for this out of what is trained."""
    for number, layer in enumerate(model.model.layers[:-1]):
        mlp = masks.model.layers[number].mlp
        units = _units(layer.mlp.down_proj.weight).to(mlp.up_proj.weight.device)
        mlp.up_proj.weight[units] = mlp.up_proj.bias[units] = 0.0
        mlp.down_proj.weight[:, units] = 0.0


def _units(down: Tensor) -> Tensor:
    """Those that write into the circuits' part: no others do."""
    found: Tensor = down[CIRCUITS].abs().sum(0).nonzero().squeeze(1)
    return found
