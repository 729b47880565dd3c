"""Copies of the states that a model keeps between passes, so that a pass can be undone.

What is written in place (convolutions, recurrent states, buffers) is copied. Keys and values of
attention layers are not: transformers appends to them by making new tensors, so the old ones stay
as they were. A copy therefore costs what the recurrent states weigh, whatever the text's length.
"""

import copy

import torch
from torch import Tensor

_APPENDED = ("keys", "values")  # by making new tensors


def copy_of_states(states: object) -> object:
    """A copy that later passes over `states` do not change, and the other way round."""
    if isinstance(states, Tensor):
        return states.clone()
    if isinstance(states, dict):
        return {name: copy_of_states(value) for name, value in states.items()}
    if isinstance(states, list | tuple):
        return type(states)([copy_of_states(value) for value in states])
    if not hasattr(states, "__dict__") or _is_shared(states):
        return states
    copied = copy.copy(states)
    for name, value in vars(states).items():
        if name not in _APPENDED:
            setattr(copied, name, copy_of_states(value))
    return copied


def _is_shared(value: object) -> bool:
    """Classes, functions, modules and configurations: no pass changes them."""
    return isinstance(value, type | torch.nn.Module) or callable(value) or hasattr(value, "to_dict")
