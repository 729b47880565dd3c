"""One optimiser step: answer loss and relevance loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quoth.decoding.training.examples import IGNORED
from quoth.decoding.training.subspaces import Subspaces

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

    from quoth.decoding.training.curriculum import Batch
    from quoth.decoding.training.recipe import MiniRecipe

_ROWS_STEP = 256


class Trainee(nn.Module):
    """The model and the auxiliary relevance head, which is not exported."""

    def __init__(self, model: LlamaForCausalLM, *, layer: int) -> None:
        """Read relevance from the residual stream after ``layer`` layers."""
        super().__init__()
        self.model = model
        self.relevance = nn.Linear(model.config.hidden_size, 1)
        nn.init.zeros_(self.relevance.weight)
        nn.init.constant_(self.relevance.bias, -2.0)
        density = Subspaces(width=model.config.hidden_size).density
        nn.init.constant_(self.relevance.weight[:, density], 1.0)
        self._layer = layer

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted next-token loss, and relevance loss over passage tokens."""
        device = self.relevance.weight.device
        token_ids = batch.token_ids.to(device)
        weights = batch.weights.to(device)[:, 1:]
        output = self.model.model(token_ids, use_cache=False, output_hidden_states=True)
        chosen = weights.flatten().nonzero().squeeze(1)
        num_chosen = len(chosen)
        chosen = _padded(chosen)
        states = output.last_hidden_state[:, :-1].flatten(0, 1)[chosen]
        targets = token_ids[:, 1:].flatten()[chosen]
        each = F.cross_entropy(self.model.lm_head(states).float(), targets, reduction="none")
        counted = weights.flatten()[chosen]
        counted[num_chosen:] = 0.0
        answer_loss = (each * counted).sum() / counted.sum()
        hidden = output.hidden_states[self._layer].float()
        scores = self.relevance(F.rms_norm(hidden, hidden.shape[-1:])).squeeze(-1)
        labels = batch.relevance.to(device)
        in_passage = labels != IGNORED
        relevance_loss = F.binary_cross_entropy_with_logits(
            scores[in_passage].float(), labels[in_passage].float()
        )
        return answer_loss, relevance_loss


def _padded(indices: Tensor) -> Tensor:
    """Indices with some repeated, so that few distinct shapes occur."""
    missing = -len(indices) % _ROWS_STEP
    return torch.cat([indices, indices[:1].expand(missing)])


def make_optimizer(trainee: Trainee, recipe: MiniRecipe) -> torch.optim.AdamW:
    """AdamW over all parameters."""
    return torch.optim.AdamW(
        trainee.parameters(),
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def train_step(
    trainee: Trainee,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    recipe: MiniRecipe,
    step: int,
) -> dict[str, float]:
    """Take one step in bfloat16 autocast; what was measured on the way."""
    rate = recipe.rate(step)
    for group in optimizer.param_groups:
        group["lr"] = rate
    device_type = trainee.relevance.weight.device.type
    with torch.autocast(device_type, torch.bfloat16):
        answer_loss, relevance_loss = trainee.losses(batch)
    (answer_loss + recipe.relevance_weight * relevance_loss).backward()  # type: ignore[no-untyped-call]  # torch
    norm = nn.utils.clip_grad_norm_(trainee.parameters(), recipe.clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {
        "loss": answer_loss.item(),
        "relevance_loss": relevance_loss.item(),
        "gradient_norm": norm.item(),
        "rate": rate,
    }
