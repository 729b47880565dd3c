"""The two phases of a run, each of which goes on from its last saved step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from transformers import NemotronForCausalLM, PreTrainedTokenizerFast

from quoth.decoding.training.checkpoints import (
    Place,
    load_optimizer,
    load_weights,
    save_state,
)
from quoth.decoding.training.curriculum import Batches
from quoth.decoding.training.distillation import Teacher, distillation_step, draw_texts, read
from quoth.decoding.training.encoding import encode
from quoth.decoding.training.frozen import train_only_the_rest
from quoth.decoding.training.initialise import mini_config
from quoth.decoding.training.minilm import load_minilm
from quoth.decoding.training.pointers import pad
from quoth.decoding.training.steps import (
    Trainee,
    Updater,
    make_joint_optimizer,
    make_optimizer,
    train_step,
)

if TYPE_CHECKING:
    import random
    from pathlib import Path

    import torch
    from torch import nn

    from quoth.decoding.training.distillation import Reading
    from quoth.decoding.training.encoding import EncodedExample
    from quoth.decoding.training.material import Material
    from quoth.decoding.training.processes import Processes
    from quoth.decoding.training.recipe import MiniRecipe
    from quoth.decoding.training.tasks import TaskShape

DISTILLATION, JOINT = "distillation", "joint"

Progress = Callable[[int, int, dict[str, float]], None]
"""Called with finished steps, all steps, and what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What both phases need: all numbers, the material, and where things lie."""

    recipe: MiniRecipe
    material: Material
    tokenizer: PreTrainedTokenizerFast
    folder: Path
    device: str
    processes: Processes
    progress: Progress

    @property
    def state(self) -> Path:
        """The folder of the training state."""
        return self.folder / "state"

    def saved_model(self) -> NemotronForCausalLM:
        """The model as it was last saved, ready to be trained."""
        recipe = self.recipe
        model = NemotronForCausalLM(mini_config(len(self.tokenizer), blocks=recipe.blocks))
        load_weights(self.state, model)
        moved: nn.Module = model
        moved.to(self.device)
        train_only_the_rest(model)
        return model

    def saved_updater(
        self, make: Callable[[NemotronForCausalLM], torch.optim.Optimizer]
    ) -> Updater:
        """That model with its optimizer as it was saved."""
        model = self.saved_model()
        optimizer = make(model)
        load_optimizer(self.state, model, optimizer)
        return Updater(
            model=model,
            optimizer=optimizer,
            clip_norm=self.recipe.clip_norm,
            processes=self.processes,
        )

    def finished(self, place: Place, measured: dict[str, float], updater: Updater) -> None:
        """After a step, the first process tells what was measured, and saves now and then."""
        if not self.processes.is_first:
            return
        recipe = self.recipe
        is_last = place.step == self.steps_of(place.phase)
        if is_last or place.step % recipe.save_every == 0:
            save_state(self.state, place, updater.model, updater.optimizer)
        done = place.step + (recipe.distillation.steps if place.phase == JOINT else 0)
        self.progress(done, recipe.steps, measured)

    def steps_of(self, phase: str) -> int:
        """How many steps a phase has."""
        return self.recipe.distillation.steps if phase == DISTILLATION else self.recipe.joint_steps


def distil(setting: Setting, first: int) -> int:
    """Take the steps of the first phase from ``first`` on; the tokens this process has read."""
    recipe, material = setting.recipe, setting.material
    updater = setting.saved_updater(make_optimizer)
    teacher = Teacher(*load_minilm(), blocks=recipe.blocks, device=setting.device)

    def draw(rng: random.Random) -> Reading:
        question, passages = draw_texts(rng, material.questions, material.documents)
        return read(question, passages, setting.tokenizer)

    steps = recipe.distillation.steps
    streams = [
        Batches(
            [(steps, draw)],
            seed=f"{recipe.seed}:{DISTILLATION}:{stream}",
            max_padded=recipe.distillation.max_padded,
            max_tokens=recipe.max_tokens,
        )
        for stream in setting.processes.streams(recipe.streams)
    ]
    num_tokens = 0.0
    for step in range(first, steps):
        batches = (stream[step] for stream in streams)
        measured = distillation_step(updater, teacher, batches, recipe, step)
        num_tokens += measured["tokens"]
        setting.finished(Place(phase=DISTILLATION, step=step + 1), measured, updater)
    return int(num_tokens)


def train_jointly(
    setting: Setting, first: int, evaluate: Callable[[Trainee], dict[str, float]]
) -> tuple[Trainee, int]:
    """Take the steps of the second phase from ``first`` on.

    Args:
        setting: Of the run.
        first: How many steps are finished.
        evaluate: Asked now and then how good the model is, by the first process.

    Returns:
        What was trained, and the tokens that this process has read.
    """
    recipe = setting.recipe
    updater = setting.saved_updater(make_joint_optimizer)
    trainee = Trainee(updater.model)
    streams = _example_streams(setting)
    num_tokens = 0.0
    for step in range(first, recipe.joint_steps):
        batches = (pad(stream[step], setting.tokenizer.pad_token_id) for stream in streams)
        measured = train_step(trainee, updater, batches, recipe, step)
        num_tokens += measured["tokens"]
        place = Place(phase=JOINT, step=step + 1)
        setting.finished(place, measured, updater)
        is_time = place.step % recipe.evaluate_every == 0 and place.step < recipe.joint_steps
        if is_time and setting.processes.is_first:
            done = recipe.distillation.steps + place.step
            setting.progress(done, recipe.steps, evaluate(trainee))
    return trainee, int(num_tokens)


def _example_streams(setting: Setting) -> list[Batches[EncodedExample]]:
    recipe = setting.recipe

    def draw(shape: TaskShape, rng: random.Random) -> EncodedExample:
        return encode(setting.material.mixture.draw(shape, rng), setting.tokenizer)

    return [
        Batches(
            [(stage.steps, partial(draw, stage.shape)) for stage in recipe.stages],
            seed=f"{recipe.seed}:{JOINT}:{stream}",
            max_padded=recipe.max_padded,
            max_tokens=recipe.max_tokens,
        )
        for stream in setting.processes.streams(recipe.streams)
    ]
