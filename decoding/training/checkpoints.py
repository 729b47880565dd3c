"""Training state and finished models on disk: safetensors and JSON, never pickle."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import GenerationConfig, NemotronForCausalLM, PreTrainedTokenizerFast

from quoth.decoding.training.replacing import replacing
from quoth.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_STATE = "state.safetensors"
_EMBEDDING = "model.model.embed_tokens.weight"
_NEW_TOKENS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a run is: so many steps of a phase are finished."""

    phase: str
    step: int


def save_state(
    folder: Path, place: Place, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> None:
    """Write what a resumed run needs; a kill while writing leaves the older state.

    Without an optimizer, the phase begins.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        tensors[f"model.{name}"] = parameter
        for moment, value in (optimizer.state.get(parameter, {}) if optimizer else {}).items():
            tensors[f"optimizer.{moment}.{name}"] = torch.as_tensor(value)
    copied = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    described = {"phase": place.phase, "step": str(place.step)}
    if optimizer is not None:
        shares = [group["share"] for group in optimizer.param_groups]
        described["shares"] = json.dumps(shares)
    with replacing(folder / _STATE) as fresh:
        save_file(copied, fresh, metadata=described)


def saved_place(folder: Path) -> Place | None:
    """How far the saved run is; None where nothing was saved.

    Raises:
        InputError: The state is damaged, or does not tell: an older recipe had no phases.
    """
    if not (folder / _STATE).exists():
        return None
    try:
        with safe_open(folder / _STATE, framework="pt") as opened:
            described = opened.metadata() or {}
    except SafetensorError as error:
        raise InputError(
            f"{str(folder / _STATE)!r} is damaged: {error}. Put a whole copy in its place, or "
            f"train in another folder."
        ) from error
    if not described.keys() >= {"phase", "step"} or not described["step"].isdecimal():
        raise _foreign(folder, "it does not tell in which phase and step it was saved")
    return Place(phase=described["phase"], step=int(described["step"]))


def check_state(
    folder: Path, steps: Mapping[str, int], make_model: Callable[[int], nn.Module]
) -> None:
    """See that a run can go on from what was saved, where anything was; only headers are read.

    Args:
        folder: Of the training state.
        steps: How many each phase of the run has.
        make_model: Makes the run's model for a vocabulary of so many tokens.

    Raises:
        InputError: The state is of another recipe.
    """
    place = saved_place(folder)
    if place is None:
        return
    if place.phase not in steps:
        raise _foreign(folder, f"it was saved in a phase {place.phase!r}")
    if place.step > steps[place.phase]:
        why = f"it was saved after step {place.step} of {steps[place.phase]} of {place.phase}"
        raise _foreign(folder, why)
    vocab_size, *_ = _saved_shapes(folder).get(_EMBEDDING, (1,))
    with torch.device("meta"):
        model = make_model(vocab_size)
    _check_weights(folder, model)


def _saved_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Of a model's weights."""
    with safe_open(folder / _STATE, framework="pt") as opened:
        return {
            name: tuple(opened.get_slice(name).get_shape())
            for name in opened.keys()  # noqa: SIM118  (it is no dictionary)
            if name.startswith("model.")
        }


def _check_weights(folder: Path, model: nn.Module) -> None:
    saved = _saved_shapes(folder)
    own = {f"model.{name}": tuple(weight.shape) for name, weight in model.named_parameters()}
    for name in sorted(saved.keys() | own.keys()):
        if saved.get(name) != own.get(name):
            there, wanted = saved.get(name, "missing"), own.get(name, "none")
            raise _foreign(folder, f"{name} is {there}, the recipe's model has {wanted}")


def _foreign(folder: Path, why: str) -> InputError:
    return InputError(
        f"{str(folder / _STATE)!r} is of another recipe: {why}. Train in another folder, or go on "
        f"with the preset and the version of quoth that began this one."
    )


@torch.no_grad()
def load_weights(folder: Path, model: nn.Module) -> None:
    """Give the model the saved weights.

    Raises:
        InputError: They are those of another model.
    """
    _check_weights(folder, model)
    tensors = load_file(folder / _STATE)
    for name, parameter in model.named_parameters():
        parameter.copy_(tensors[f"model.{name}"])


def load_optimizer(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Give the optimizer the saved moments and shares of the rate, as far as there are any."""
    with safe_open(folder / _STATE, framework="pt") as opened:
        shares = json.loads(opened.metadata().get("shares", "[]"))
    for group, share in zip(optimizer.param_groups, shares, strict=bool(shares)):
        group["share"] = share
    described = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    numbers = {id(parameter): number for number, parameter in enumerate(parameters)}
    own = {name: numbers[id(parameter)] for name, parameter in model.named_parameters()}
    restored: dict[int, dict[str, Tensor]] = {}
    for full_name, value in load_file(folder / _STATE).items():
        if full_name.startswith("optimizer."):
            _, moment, name = full_name.split(".", 2)
            restored.setdefault(own[name], {})[moment] = value
    optimizer.load_state_dict({"state": restored, "param_groups": described["param_groups"]})


def export_model(
    folder: Path, model: NemotronForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Write a bfloat16 model that plain ``transformers`` loads."""
    folder.mkdir(parents=True, exist_ok=True)
    config = deepcopy(model.config)
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    exported = NemotronForCausalLM(config)
    exported.load_state_dict(model.state_dict())
    exported.bfloat16()
    exported.config.dtype = torch.bfloat16
    exported.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]  # untyped upstream
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=_NEW_TOKENS,
    )
    exported.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
