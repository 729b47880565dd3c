"""Training quoth-mini from start to finish.

Material and tokenizer; MiniLM's blocks beside written circuits (``initialise``); distillation; the
last layer written anew on the mended states (``settle``); joint training; evaluation and export.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import torch
from transformers import NemotronForCausalLM

from quoth.decoding.training.answering import decide
from quoth.decoding.training.catalogue import held_out_library
from quoth.decoding.training.checkpoints import (
    Place,
    check_state,
    export_model,
    save_state,
    saved_place,
)
from quoth.decoding.training.evaluation import GenerationScores, generate_answers, score
from quoth.decoding.training.examples import render_prompt
from quoth.decoding.training.initialise import initialise, mini_config, settle
from quoth.decoding.training.material import Material, load_material
from quoth.decoding.training.phases import (
    DISTILLATION,
    JOINT,
    Progress,
    Setting,
    distil,
    train_jointly,
)
from quoth.decoding.training.pointing import PointerScores, point
from quoth.decoding.training.processes import joined_processes
from quoth.decoding.training.tasks import Mixture, TaskShape
from quoth.decoding.training.tokenizer import kept_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from quoth.decoding.training.examples import Example
    from quoth.decoding.training.ranking import PassageRanker
    from quoth.decoding.training.recipe import MiniRecipe
    from quoth.decoding.training.steps import Trainee

_TEXT_CHARS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """Where the model lies and how it scores on held-out questions.

    ``ranked`` has the passages in retrieval order, ``shuffled`` the same in random order;
    ``technical`` asks for sentences of held-out documents. ``pointed`` tells of the first, of the
    last and of questions about earlier turns (``turns``) where the heads look. ``tokens`` are those
    read since this run was last started, padding included.
    """

    model_dir: Path
    steps: int
    parameters: int
    seconds: float
    tokens: int
    ranked: GenerationScores
    shuffled: GenerationScores
    technical: GenerationScores
    pointed: Mapping[str, PointerScores]


def train_mini(  # noqa: PLR0913  (one name for each of the command's options)
    recipe: MiniRecipe,
    *,
    qa_dir: Path,
    text_path: Path,
    output_dir: Path,
    rank: PassageRanker,
    device: str = "cpu",
    progress: Progress | None = None,
) -> TrainingReport | None:
    """Train, or go on training, in ``output_dir``; the finished model lies in its ``model`` folder.

    Started by ``torchrun``, the processes share each step's micro-batches; the first one reports,
    for the others there is no report.

    Args:
        recipe: All numbers of the run.
        qa_dir: Folder with ``extractive_qa.jsonl.gz``.
        text_path: JSON-lines corpus of documents, plain or xz.
        output_dir: Receives material, tokenizer, training state and model; a run stopped there
            goes on from its last saved step.
        rank: Orders passages as the product's retriever does.
        device: Where to train.
        progress: Told about every step and every evaluation.

    Raises:
        InputError: What lies in ``output_dir`` is of another recipe or version, or the processes
            cannot share a step's micro-batches.
    """
    _check_folder(recipe, output_dir)
    load = partial(_material, recipe, qa_dir, text_path, output_dir, rank)
    return _run_recipe(recipe, load, output_dir, device, progress or _tell_nobody)


def _tell_nobody(_step: int, _steps: int, _measured: dict[str, float]) -> None:
    """Stand in for a progress that nobody asked for."""


def _check_folder(recipe: MiniRecipe, folder: Path) -> None:
    """Refuse the training state of another recipe before anything is loaded."""
    check_state(
        folder / "state",
        {DISTILLATION: recipe.distillation.steps, JOINT: recipe.joint_steps},
        lambda vocab_size: NemotronForCausalLM(mini_config(vocab_size, blocks=recipe.blocks)),
    )


def _material(
    recipe: MiniRecipe, qa_dir: Path, text_path: Path, folder: Path, rank: PassageRanker
) -> Material:
    return load_material(
        qa_dir / "extractive_qa.jsonl.gz",
        text_path,
        folder / "ranked.json",
        rank=rank,
        held_out_share=recipe.held_out_share,
        seed=recipe.seed,
    )


def _run_recipe(
    recipe: MiniRecipe,
    load: Callable[[], Material],
    folder: Path,
    device: str,
    progress: Progress,
) -> TrainingReport | None:
    """Run the recipe in as many processes as were started; the first one loads before the rest."""
    if recipe.threads is not None:
        torch.set_num_threads(recipe.threads)
    with joined_processes(streams=recipe.streams) as processes:
        with processes.first_alone():
            material = load()
            tokenizer = kept_tokenizer(
                folder / "tokenizer", material.texts(), vocab_size=recipe.vocab_size
            )
        setting = Setting(
            recipe=recipe,
            material=material,
            tokenizer=tokenizer,
            folder=folder,
            device=processes.device(device),
            processes=processes,
            progress=progress,
        )
        return _Run(setting).report()


class _Run:
    """One run in one folder.

    All that is not one of a phase's steps is done by the first process, and saved: the others, and
    a resumed run, go on from what is on disk.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._started = time.perf_counter()
        self._num_tokens = 0

    def report(self) -> TrainingReport | None:
        """Train to the end, export and measure."""
        trainee = self._train()
        setting = self._setting
        if not setting.processes.is_first:
            return None
        decide(trainee.model)
        export_model(setting.folder / "model", trainee.model, setting.tokenizer)
        material, count = setting.material, setting.recipe.num_evaluated
        return TrainingReport(
            model_dir=setting.folder / "model",
            steps=setting.recipe.steps,
            parameters=sum(p.numel() for p in trainee.model.parameters()),
            seconds=time.perf_counter() - self._started,
            tokens=self._num_tokens * setting.processes.size,
            ranked=self._generate(trainee, self._held_out["ranked"]),
            shuffled=self._generate(trainee, material.held_out_examples(count, shuffled=True)),
            technical=self._generate(trainee, self._held_out["technical"]),
            pointed=self._point(trainee),
        )

    def _train(self) -> Trainee:
        setting = self._setting
        with setting.processes.first_alone():
            place = saved_place(setting.state)
            if place is None:  # in the first process only
                place = Place(phase=DISTILLATION, step=0)
                save_state(setting.state, place, self._initialised())
        if place.phase == DISTILLATION:
            self._num_tokens += distil(setting, place.step)
            place = Place(phase=JOINT, step=0)
            with setting.processes.first_alone():
                if setting.processes.is_first:
                    save_state(setting.state, place, self._settled())
        trainee, num_tokens = train_jointly(setting, place.step, self._measured)
        self._num_tokens += num_tokens
        return trainee

    def _initialised(self) -> NemotronForCausalLM:
        setting, recipe = self._setting, self._setting.recipe
        config = mini_config(len(setting.tokenizer), blocks=recipe.blocks)
        passages = [question.passages[0] for question in setting.material.questions]
        passages += [document.text[:_TEXT_CHARS] for document in setting.material.documents]
        return initialise(
            config,
            setting.tokenizer,
            texts=passages[: recipe.num_texts],
            prompts=self._prompts,
            generator=torch.Generator().manual_seed(recipe.seed),
        )

    def _settled(self) -> NemotronForCausalLM:
        setting = self._setting
        model = setting.saved_model().cpu()
        generator = torch.Generator().manual_seed(setting.recipe.seed + 1)
        settle(model, setting.tokenizer, prompts=self._prompts, generator=generator)
        return model

    @property
    def _prompts(self) -> list[str]:
        """Prompts with their answers, to set norms by."""
        recipe, mixture = self._setting.recipe, self._setting.material.mixture
        rng = random.Random(f"{recipe.seed}:prompts")
        drawn = [mixture.draw(recipe.stages[-1].shape, rng) for _ in range(recipe.num_prompts)]
        return [render_prompt(example) + example.answer for example in drawn]

    def _generate(self, trainee: Trainee, examples: Sequence[Example]) -> GenerationScores:
        answers = generate_answers(trainee.model, self._setting.tokenizer, examples)
        return score(examples, answers)

    def _point(self, trainee: Trainee) -> dict[str, PointerScores]:
        return {
            name: point(trainee, self._setting.tokenizer, examples)
            for name, examples in self._held_out.items()
        }

    def _measured(self, trainee: Trainee) -> dict[str, float]:
        return {
            f"{name} {share}": value
            for name, scores in self._point(trainee).items()
            for share, value in scores.measured().items()
        }

    @cached_property
    def _held_out(self) -> dict[str, list[Example]]:
        material, count = self._setting.material, self._setting.recipe.num_evaluated
        return {
            "ranked": material.held_out_examples(count, shuffled=False),
            "technical": material.held_out_made_up(count),
            "turns": _about_turns(material, count),
        }


def _about_turns(material: Material, count: int) -> list[Example]:
    """Questions about earlier turns, made from held-out documents."""
    library = held_out_library(material.held_out_documents, material.rarity)
    if not library:
        return []
    mixture, rng = Mixture((), library, {}), random.Random(count)
    return [mixture.draw(TaskShape(follow_up_share=1.0), rng) for _ in range(count)]
