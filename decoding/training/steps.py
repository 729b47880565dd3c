"""One step of joint training: the answer's tokens, and what some heads look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quoth.decoding.training.frozen import recentre
from quoth.decoding.training.pointers import head_scores, pointer_loss
from quoth.decoding.training.subspaces import MEANING, POINTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transformers import NemotronForCausalLM
    from transformers.models.nemotron.modeling_nemotron import NemotronDecoderLayer

    from quoth.decoding.training.pointers import Batch
    from quoth.decoding.training.processes import Processes
    from quoth.decoding.training.recipe import MiniRecipe

_MEASURED = ("loss", "choice", "sentence", "earlier", "second", "copy", "copy_2", "copy_3")
_ROWS_STEP = 64
_BETAS = (0.9, 0.98)
_CHOOSING_RATE = 4.0  # queries and keys of the last layer learn so much faster than the rest
_USUAL_LENGTH = 0.05  # of a weight; longer ones of the blocks learn faster in proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the model made of a micro-batch.

    Attributes:
        normed: What the last layer's attention read, [B, T, width].
        logits: Of the tokens that are targets, [N, vocabulary] float32.
        targets: These tokens, [N].
        weights: Their weights, [N].
    """

    normed: Tensor
    logits: Tensor
    targets: Tensor
    weights: Tensor


class Trainee:
    """The model, watched where its last layer reads."""

    def __init__(self, model: NemotronForCausalLM) -> None:
        """Keep what the last layer's first norm gives at each call."""
        self.model = model
        self.last_layer.input_layernorm.register_forward_hook(self._keep)

    @property
    def last_layer(self) -> NemotronDecoderLayer:
        """The one with the heads that choose and copy."""
        layer: NemotronDecoderLayer = self.model.model.layers[-1]
        return layer

    @property
    def device(self) -> torch.device:
        """Where it is trained."""
        return self.model.device

    def _keep(self, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._normed = output

    def read(self, batch: Batch) -> Read:
        """Run the model; vocabulary scores only where the loss needs them."""
        output = self.model.model(batch.token_ids, use_cache=False)
        weights = batch.weights[:, 1:].flatten()
        chosen = weights.nonzero().squeeze(1)
        count = len(chosen)
        states = output.last_hidden_state[:, :-1].flatten(0, 1)[_padded(chosen)]
        return Read(
            normed=self._normed,
            logits=self.model.lm_head(states)[:count].float(),
            targets=batch.token_ids[:, 1:].flatten()[chosen],
            weights=weights[chosen],
        )

    def losses(self, batch: Batch) -> list[Tensor]:
        """The weighted mean over an answer's tokens, then the loss of each head's pointers."""
        read = self.read(batch)
        each = F.cross_entropy(read.logits, read.targets, reduction="none")
        losses = [(each * read.weights).sum() / read.weights.sum()]
        for head, targets in zip(POINTED, batch.pointers, strict=True):
            scores = head_scores(self.last_layer.self_attn, read.normed, head, targets)
            losses.append(pointer_loss(scores, targets))
        return losses


def _padded(indices: Tensor) -> Tensor:
    """Indices with some repeated, so that few distinct shapes occur."""
    missing = -len(indices) % _ROWS_STEP
    return torch.cat([indices, indices[:1].expand(missing)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Updater:
    """A model's weights and what changes them, in one of several processes."""

    model: NemotronForCausalLM
    optimizer: torch.optim.Optimizer
    clip_norm: float
    processes: Processes

    def step(self, rate: float) -> float:
        """Update the weights by their gradients; the norm of these before they were clipped.

        What writes into MiniLM's part of the states keeps mean zero: the circuits rely on it. So
        the gradients get mean zero first, or Adam would go by what is taken away again.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.processes.add_gradients(self.model.parameters())
        centre_gradients(self.model)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        recentre(self.model)
        return norm.item()


@torch.no_grad()
def centre_gradients(model: NemotronForCausalLM) -> None:
    """Take the mean over MiniLM's part from the gradients of all that writes into it."""
    for layer in model.model.layers:
        for written in (layer.self_attn.o_proj, layer.mlp.down_proj):
            for gradient in (written.weight.grad, written.bias.grad):
                if gradient is not None:
                    gradient[MEANING] -= gradient[MEANING].mean(0)
    gradient = model.model.embed_tokens.weight.grad
    if gradient is not None:
        gradient[:, MEANING] -= gradient[:, MEANING].mean(1, keepdim=True)


def make_optimizer(model: NemotronForCausalLM) -> torch.optim.AdamW:
    """AdamW without decay, with the same rate for all."""
    return _adam([{"params": list(model.parameters()), "share": 1.0}])


def make_joint_optimizer(model: NemotronForCausalLM) -> torch.optim.AdamW:
    """AdamW without decay; some weights have a rate of their own.

    These are the last layer's queries and keys, and what the blocks write with, which transplanting
    has made as long as the states are.
    """
    *blocks, last = model.model.layers
    attention = last.self_attn
    groups: list[dict[str, Any]] = [
        {
            "params": [*attention.q_proj.parameters(), *attention.k_proj.parameters()],
            "share": _CHOOSING_RATE,
        }
    ]
    for block in blocks:
        for weight in (block.self_attn.o_proj.weight, block.mlp.down_proj.weight):
            length = weight[MEANING].detach().square().mean().sqrt().item()
            groups.append({"params": [weight], "share": max(1.0, length / _USUAL_LENGTH)})
    known = {id(parameter) for group in groups for parameter in group["params"]}
    others = [parameter for parameter in model.parameters() if id(parameter) not in known]
    return _adam([{"params": others, "share": 1.0}, *groups])


def _adam(groups: list[dict[str, Any]]) -> torch.optim.AdamW:
    return torch.optim.AdamW(groups, betas=_BETAS, weight_decay=0.0, fused=True)


def train_step(
    trainee: Trainee, updater: Updater, batches: Iterable[Batch], recipe: MiniRecipe, step: int
) -> dict[str, float]:
    """Take one step in bfloat16 autocast; what was measured on the way, in this process.

    Args:
        trainee: The model.
        updater: Of the same model.
        batches: The micro-batches of this process.
        recipe: Rates and weights of losses.
        step: Of the joint training, counted from 0.
    """
    seen, num_tokens = [], 0
    for batch in batches:
        with torch.autocast(trainee.device.type, torch.bfloat16):
            losses = trainee.losses(batch.to(trainee.device))
        total = _weighted(losses, recipe.pointer_weights) / recipe.streams
        total.backward()  # type: ignore[no-untyped-call]  # torch
        seen.append(torch.stack(losses).detach())
        num_tokens += batch.token_ids.numel()
    rate = recipe.rate(step)
    norm = updater.step(rate)
    means = torch.stack(seen).mean(0).tolist()
    measured = dict(zip(_MEASURED, means, strict=True))
    return {**measured, "gradient_norm": norm, "rate": rate, "tokens": float(num_tokens)}


def _weighted(losses: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    total = losses[0]
    for loss, weight in zip(losses[1:], weights, strict=True):
        total = total + weight * loss
    return total
