"""A training run of a few steps; as a script, for processes that ``torchrun`` starts."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.made_corpus import rank_by_shared_words
from quoth.decoding.training import MiniRecipe, TrainingReport, train_mini
from quoth.decoding.training.curriculum import Stage
from quoth.decoding.training.recipe import Distillation
from quoth.decoding.training.tasks import TaskShape

SHORT = TaskShape(max_passages=2, max_chars=200)


def few_steps(**changes: Any) -> MiniRecipe:
    """Three steps of distillation and four of joint training, of a model with one block."""
    small = replace(
        MiniRecipe.tiny(),
        vocab_size=700,
        blocks=1,
        distillation=Distillation(steps=3, warmup_steps=1, max_padded=384),
        stages=(Stage(steps=2, shape=SHORT), Stage(steps=2, shape=SHORT)),
        max_padded=384,
        max_tokens=384,
        warmup_steps=2,
        num_texts=12,
        num_prompts=4,
        threads=1,
        save_every=2,
        num_evaluated=2,
    )
    return replace(small, **changes)


def run(recipe: MiniRecipe, corpus: Path, output: Path, **more: Any) -> TrainingReport | None:
    """Train on a corpus by ``write_corpus``."""
    return train_mini(
        recipe,
        qa_dir=corpus,
        text_path=corpus / "corpus.jsonl",
        output_dir=output,
        rank=rank_by_shared_words,
        **more,
    )


if __name__ == "__main__":
    report = run(few_steps(streams=2), Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write("no report\n" if report is None else f"{report.steps} steps\n")
