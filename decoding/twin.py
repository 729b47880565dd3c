"""A model's twin: the same weights and modules under a configuration of its own.

So a pass can run with other attention or expert functions while the model itself is not touched.
"""

import copy
from collections.abc import Callable
from typing import Any, cast

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel


def twin(model: PreTrainedModel, change: Callable[[PretrainedConfig], None]) -> PreTrainedModel:
    """Modules of the same kind, with copies of the configurations, all of which are changed.

    It knows what the model is made of now; milliseconds for a thousand modules. What a module holds
    besides its parameters, buffers and submodules stays the model's own: a `forward` that was put
    on the module itself (hooks of accelerate, `compile`) goes on calling the model.
    """
    configs: dict[int, Any] = {}
    other = cast("PreTrainedModel", _copied(model, {}, configs))
    for config in {id(each): each for each in configs.values()}.values():
        if isinstance(config, PretrainedConfig):
            change(config)
    return other


def _copied(module: nn.Module, modules: dict[int, nn.Module], configs: dict[int, Any]) -> nn.Module:
    """A module of the same kind; those and the configurations that were copied are looked up."""
    if id(module) in modules:
        return modules[id(module)]
    other = modules[id(module)] = type(module).__new__(type(module))
    other.__dict__.update(
        {
            name: copy.deepcopy(value, configs) if isinstance(value, PretrainedConfig) else value
            for name, value in vars(module).items()
        }
    )
    other._parameters = dict(module._parameters)
    other._buffers = dict(module._buffers)
    other._modules = {
        name: None if child is None else _copied(child, modules, configs)
        for name, child in module._modules.items()
    }
    return other
