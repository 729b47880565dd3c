"""Training quoth-mini from start to finish: material, tokenizer, steps, evaluation, export."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerFast

from quoth.decoding.training.checkpoints import export_model, load_state, save_state
from quoth.decoding.training.curriculum import Batches
from quoth.decoding.training.evaluation import GenerationScores, generate_answers, score
from quoth.decoding.training.features import minilm_word_vectors, token_features
from quoth.decoding.training.initialise import initialise
from quoth.decoding.training.material import Material, load_material
from quoth.decoding.training.steps import Trainee, make_optimizer, train_step
from quoth.decoding.training.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from quoth.decoding.training.examples import Example
    from quoth.decoding.training.ranking import PassageRanker
    from quoth.decoding.training.recipe import MiniRecipe

Progress = Callable[[int, int, dict[str, float]], None]
"""Called with finished steps, all steps, and what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """Where the model lies and how it scores on held-out questions.

    ``ranked`` has the passages in retrieval order, ``shuffled`` the same in random order;
    ``technical`` asks for sentences of held-out documents.
    """

    model_dir: Path
    steps: int
    parameters: int
    seconds: float
    tokens: int
    ranked: GenerationScores
    shuffled: GenerationScores
    technical: GenerationScores


def train_mini(  # noqa: PLR0913  (one name for each of the command's options)
    recipe: MiniRecipe,
    *,
    qa_dir: Path,
    text_path: Path,
    output_dir: Path,
    rank: PassageRanker,
    device: str = "cpu",
    progress: Progress | None = None,
) -> TrainingReport:
    """Train, or go on training, in ``output_dir``; the finished model lies in its ``model`` folder.

    Args:
        recipe: All numbers of the run.
        qa_dir: Folder with ``extractive_qa.jsonl.gz``.
        text_path: JSON-lines corpus of documents, plain or xz.
        output_dir: Receives material, tokenizer, training state and model; a run stopped there
            goes on from its last saved step.
        rank: Orders passages as the product's retriever does.
        device: Where to train.
        progress: Told about every tenth step and every evaluation.
    """
    if recipe.threads is not None:
        torch.set_num_threads(recipe.threads)
    material = load_material(
        qa_dir / "extractive_qa.jsonl.gz",
        text_path,
        output_dir / "ranked.json",
        rank=rank,
        held_out_share=recipe.held_out_share,
        seed=recipe.seed,
    )
    tokenizer = _tokenizer(recipe, material, output_dir / "tokenizer")
    run = _Run(recipe, material, tokenizer, output_dir, device)
    run.train(progress or (lambda _step, _steps, _measured: None))
    return run.report()


def _tokenizer(recipe: MiniRecipe, material: Material, folder: Path) -> PreTrainedTokenizerFast:
    if folder.exists():
        loaded: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
        return loaded
    tokenizer = train_tokenizer(material.texts(), vocab_size=recipe.vocab_size)
    tokenizer.save_pretrained(folder)
    return tokenizer


class _Run:
    """One run in one folder."""

    def __init__(
        self,
        recipe: MiniRecipe,
        material: Material,
        tokenizer: PreTrainedTokenizerFast,
        folder: Path,
        device: str,
    ) -> None:
        self._recipe, self._material, self._tokenizer = recipe, material, tokenizer
        self._folder, self._device = folder, device
        sample = list(material.texts())[:: max(1, len(material.documents) // 200)]
        features = token_features(tokenizer, [text[:5000] for text in sample], minilm_word_vectors)
        generator = torch.Generator().manual_seed(recipe.seed)
        config = replace(recipe, vocab_size=len(tokenizer)).config()
        model = initialise(config, features, generator)
        self._trainee = Trainee(model, layer=recipe.relevance_layer).to(device)
        self._optimizer = make_optimizer(self._trainee, recipe)
        self._started = time.perf_counter()
        self._num_tokens = 0

    def train(self, progress: Progress) -> None:
        recipe, material = self._recipe, self._material
        batches = Batches(
            recipe.stages,
            material.mixture,
            self._tokenizer,
            seed=recipe.seed,
            max_tokens=recipe.max_tokens,
        )
        first = load_state(self._folder / "state", self._trainee, self._optimizer)
        for step in range(first, recipe.steps):
            batch = batches[step]
            measured = train_step(self._trainee, self._optimizer, batch, recipe, step)
            self._num_tokens += batch.token_ids.numel()
            done = step + 1
            if done % 10 == 0:
                progress(done, recipe.steps, measured)
            if done % recipe.save_every == 0 or done == recipe.steps:
                self._save(done)
            if done % recipe.evaluate_every == 0 and done < recipe.steps:
                examples = material.held_out_examples(recipe.num_evaluated, shuffled=False)
                progress(done, recipe.steps, _flat(self.evaluate(examples)))

    def _save(self, step: int) -> None:
        save_state(self._folder / "state", step, self._trainee, self._optimizer)
        export_model(self._folder / "model", self._trainee.model, self._tokenizer)

    def evaluate(self, examples: Sequence[Example]) -> GenerationScores:
        self._trainee.eval()
        answers = generate_answers(self._trainee.model, self._tokenizer, examples)
        self._trainee.train()
        return score(examples, answers)

    def report(self) -> TrainingReport:
        material, count = self._material, self._recipe.num_evaluated
        return TrainingReport(
            model_dir=self._folder / "model",
            steps=self._recipe.steps,
            parameters=sum(p.numel() for p in self._trainee.model.parameters()),
            seconds=time.perf_counter() - self._started,
            tokens=self._num_tokens,
            ranked=self.evaluate(material.held_out_examples(count, shuffled=False)),
            shuffled=self.evaluate(material.held_out_examples(count, shuffled=True)),
            technical=self.evaluate(material.held_out_made_up(count)),
        )


def _flat(scores: GenerationScores) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(scores).items()}
