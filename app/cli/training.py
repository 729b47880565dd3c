"""Running a recipe from the command line: the retriever's ranking, and a progress bar."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quoth.app.cli.terminal import messages, progress_bar
from quoth.decoding.training import MiniRecipe, TrainingReport, train_mini
from quoth.retrieval import Embedder, load_embedder


class EmbeddingRanker:
    """Orders passages by the product's embedder, as the index does: by cosine."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __call__(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        candidates: Sequence[Sequence[int]],
    ) -> list[list[int]]:
        """For each question its candidates (indices into `passages`), best first."""
        passage_vectors = self._embedder.embed(passages)
        question_vectors = self._embedder.embed(questions)
        return [
            [own[i] for i in np.argsort(-(passage_vectors[list(own)] @ vector), kind="stable")]
            for vector, own in zip(question_vectors, candidates, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, [len(texts), dim]."""
        return self._embedder.embed(texts)


def run_recipe(
    preset: str, qa_dir: Path, text_path: Path, output_dir: Path, device: str
) -> TrainingReport | None:
    """Train quoth-mini by the preset of this name, with passages in the order of the product.

    Of several processes only the first has a report.
    """
    recipes = {"tiny": MiniRecipe.tiny, "cpu": MiniRecipe.cpu, "gpu": MiniRecipe.gpu}
    console = messages()
    with progress_bar() as bar:

        def progress(step: int, steps: int, measured: dict[str, float]) -> None:
            if "loss" in measured:
                bar(step, steps, f"loss {measured['loss']:.2f}")
            else:
                shown = ", ".join(f"{name} {value:.2f}" for name, value in measured.items())
                console.print(f"step {step}: {shown}")

        return train_mini(
            recipes[preset](),
            qa_dir=qa_dir,
            text_path=text_path,
            output_dir=output_dir,
            rank=EmbeddingRanker(load_embedder()),
            device=device,
            progress=progress,
        )
