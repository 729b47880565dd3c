"""`quoth train`: the recipes of the shipped models."""

from dataclasses import asdict
from pathlib import Path

import click

from quoth.app.cli.options import PATH
from quoth.errors import InputError

PRESETS = ("tiny", "cpu", "gpu")


@click.group()
def train() -> None:
    """Train the models that Quoth ships."""


@train.command()
@click.option(
    "--qa", "qa_dir", type=PATH, required=True, help="Folder with extractive_qa.jsonl.gz."
)
@click.option("--text", "text_path", type=PATH, required=True, help="corpus.jsonl or .jsonl.xz.")
@click.option("--output", "output_dir", type=PATH, required=True, help="State and model go here.")
@click.option("--preset", type=click.Choice(PRESETS), default="cpu", show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, mps.")
def mini(qa_dir: Path, text_path: Path, output_dir: Path, preset: str, device: str) -> None:
    """Train quoth-mini, from data to weights; the same command again resumes.

    \b
    --qa    questions with contexts and answers, one JSON object a line
    --text  documents, one JSON object with `text` a line

    The model lies in the folder `model` of the output; `--model OUTPUT/model` asks it. How the
    data must look, and where such data comes from, is said in the model card.

    `torchrun --nproc-per-node 2 --no-python quoth train mini ...` trains in two processes of one
    thread each, which is faster on two cores that do other work too.
    """
    for path in (qa_dir / "extractive_qa.jsonl.gz", text_path):
        if not path.is_file():
            raise InputError(f"There is no file {str(path)!r}. Name the training data's place.")
    from quoth.app.cli.training import run_recipe

    report = run_recipe(preset, qa_dir, text_path, output_dir, device)
    if report is None:
        return
    click.echo(f"{report.model_dir}: {report.parameters} parameters, {report.steps} steps.")
    generated = {
        "ranked": report.ranked,
        "shuffled": report.shuffled,
        "technical": report.technical,
    }
    for name, scores in generated.items():
        click.echo(f"{name}: {_listed(asdict(scores))}")
    for name, pointed in report.pointed.items():
        click.echo(f"{name}, where heads look: {_listed(pointed.measured())}")


def _listed(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in shares.items())
