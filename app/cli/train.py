"""`quoth train`: the recipes of the shipped models."""

from pathlib import Path

import click

from quoth.app.cli.options import PATH


@click.group()
def train() -> None:
    """Train the models that Quoth ships."""


@train.command()
@click.option(
    "--qa", "qa_dir", type=PATH, required=True, help="Folder with extractive_qa.jsonl.gz."
)
@click.option("--text", "text_path", type=PATH, required=True, help="corpus.jsonl.xz.")
@click.option("--output", "output_dir", type=PATH, required=True, help="Checkpoints and the model.")
@click.option(
    "--preset", type=click.Choice(["tiny", "cpu", "gpu"]), default="cpu", show_default=True
)
@click.option("--device", default="auto", show_default=True)
def mini(qa_dir: Path, text_path: Path, output_dir: Path, preset: str, device: str) -> None:
    """Train quoth-mini from data to packaged weights; run again to resume."""
