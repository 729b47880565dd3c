"""Training state and finished models on disk: safetensors and JSON, never pickle."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

if TYPE_CHECKING:
    from pathlib import Path

_STATE = "state.safetensors"


def save_state(folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write what a resumed run needs; a kill while writing leaves the older state."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    names = [name for name, _ in model.named_parameters()]
    for number, moments in optimizer.state_dict()["state"].items():
        for moment, value in moments.items():
            tensors[f"optimizer.{moment}.{names[number]}"] = torch.as_tensor(value)
    fresh = folder / f"{_STATE}.new"
    copied = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    save_file(copied, fresh, metadata={"step": str(step)})
    fresh.replace(folder / _STATE)


def load_state(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restore model and optimizer; the number of finished steps, 0 where nothing was saved."""
    path = folder / _STATE
    if not path.exists():
        return 0
    tensors = load_file(path)
    weights = {n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")}
    model.load_state_dict(weights)
    numbers = {name: number for number, (name, _) in enumerate(model.named_parameters())}
    restored: dict[int, dict[str, Tensor]] = {}
    for full_name, value in tensors.items():
        if full_name.startswith("optimizer."):
            _, moment, name = full_name.split(".", 2)
            restored.setdefault(numbers[name], {})[moment] = value
    described = optimizer.state_dict()
    optimizer.load_state_dict({"state": restored, "param_groups": described["param_groups"]})
    with safe_open(path, framework="pt") as opened:
        return int(opened.metadata()["step"])


def export_model(folder: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write a bfloat16 model that plain ``transformers`` loads."""
    folder.mkdir(parents=True, exist_ok=True)
    config = deepcopy(model.config)
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    exported = LlamaForCausalLM(config)
    exported.load_state_dict(model.state_dict())
    exported.bfloat16()
    exported.config.dtype = torch.bfloat16
    exported.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]  # untyped upstream
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=160,
    )
    exported.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
