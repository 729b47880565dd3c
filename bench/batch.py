"""Batches against the same prompts one after another, on the guide's questions or a random model.

    python bench/batch.py                                   quoth-mini, the guide
    python bench/batch.py --random 6 512 --dtype bfloat16   a random Qwen2 of 6 layers, width 512

All prompts are decoded once with each setting in every round, in turning order; the figures are
medians over the rounds. A random model has no answers that stand in a source, so its sources are
its own answers with every ninth token replaced. The last line of stdout is one JSON document;
`--output` writes it to a file as well. A token that differs from plain single decoding ends the run
with exit code 1.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from answers import GUIDE, QUESTIONS, machine
from transformers import Qwen2Config, Qwen2ForCausalLM

from quoth import Settings
from quoth.app.context import fit
from quoth.app.engines import open_index
from quoth.app.tokenizing import ChatTokenizer
from quoth.decoding import Decoder, DecodingConfig, Generation, Reference
from quoth.decoding.models.loading import load_model

BATCHES = (1, 2, 4, 8)  # rows at a time; 1: one after another
DRAFTING = ("none", "auto")
_VOCABULARY, _HEAD = 8192, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The prompts, with a source list each, and one decoder for each number of rows."""

    prompts: list[Sequence[int]]
    references: list[list[Reference]]
    decoders: dict[int, Decoder]
    max_new_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All prompts once."""

    tokens_per_s: float
    decode_tokens_per_s: float  # prompts not counted
    passes: float  # a shared one counts once
    drafted: int
    identical: int


def main() -> int:
    """Measure, print the table and the JSON line."""
    arguments = parsed_arguments()
    task = random_task(arguments) if arguments.random else guide_task(arguments)
    truth = decoded(task, 1, "none")[0]
    settings = [(rows, drafting) for drafting in DRAFTING for rows in BATCHES]
    runs: dict[tuple[int, str], list[Run]] = {setting: [] for setting in settings}
    for number in range(arguments.rounds):
        turn = number % len(settings)
        for setting in [*settings[turn:], *settings[:turn]]:
            runs[setting].append(measured(task, *setting, truth))
    report = machine() | {
        "model": f"random Qwen2 {arguments.random}" if arguments.random else arguments.model,
        "dtype": arguments.dtype,
        "prompts": len(task.prompts),
        "prompt_tokens": sum(map(len, task.prompts)),
        "new_tokens": sum(len(each.token_ids) for each in truth),
        "rounds": arguments.rounds,
        "batch_problem": task.decoders[BATCHES[-1]].batch_problem,
        "settings": [summary(*setting, runs) for setting in settings],
    }
    print_table(report)
    line = json.dumps(report)
    if arguments.output:
        arguments.output.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0 if all(run.identical == len(truth) for own in runs.values() for run in own) else 1


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="quoth-mini")
    parser.add_argument("--random", type=int, nargs=2, metavar=("LAYERS", "WIDTH"))
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--prompts", type=int, default=16, help="of the random model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def guide_task(arguments: argparse.Namespace) -> Task:
    """The guide's questions with the passages that are found for them."""
    model, tokenizer = load_model(arguments.model, dtype=arguments.dtype)
    questions = [line for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line]
    decoders = {rows: Decoder(model, tokenizer, DecodingConfig(max_rows=rows)) for rows in BATCHES}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(index_path=Path(folder) / "index")
        index = open_index(settings)
        index.sync([GUIDE])
        prompts = [
            fit(
                ChatTokenizer(tokenizer),
                question=question,
                passages=[hit.passage for hit in index.search(question, settings.num_passages)],
                turns=(),
                budget=decoders[1].max_length - 256,
            ).prompt
            for question in questions
        ]
        index.close()
    return Task(
        prompts=[prompt.token_ids for prompt in prompts],
        references=[[source.reference for source in prompt.sources] for prompt in prompts],
        decoders=decoders,
        max_new_tokens=256,
    )


def random_task(arguments: argparse.Namespace) -> Task:
    """Ragged random prompts for a model with random weights."""
    layers, width = arguments.random
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=_VOCABULARY,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // _HEAD,
        num_key_value_heads=max(1, width // _HEAD // 4),
        initializer_range=0.08,
        attn_implementation="eager",
        bos_token_id=None,
        eos_token_id=None,
    )
    model = Qwen2ForCausalLM(config).to(getattr(torch, arguments.dtype)).eval()
    chance = random.Random(0)
    prompts: list[Sequence[int]] = [
        [chance.randrange(_VOCABULARY) for _ in range(chance.randrange(30, 300))]
        for _ in range(arguments.prompts)
    ]
    decoders = {rows: Decoder(model, config=DecodingConfig(max_rows=rows)) for rows in BATCHES}
    empty = Task(
        prompts=prompts, references=[[] for _ in prompts], decoders=decoders, max_new_tokens=64
    )
    sources = [
        [chance.randrange(_VOCABULARY) if at % 9 == 8 else token for at, token in enumerate(tokens)]
        for tokens in (each.token_ids for each in decoded(empty, 1, "none")[0])
    ]
    return Task(
        prompts=prompts,
        references=[[Reference("answer", source)] for source in sources],
        decoders=decoders,
        max_new_tokens=64,
    )


def decoded(task: Task, rows: int, drafting: str) -> tuple[list[Generation], float]:
    """All answers, and the seconds."""
    decoder, begun = task.decoders[rows], time.perf_counter()
    if rows > 1:
        answers = decoder.generate_batch(
            task.prompts, task.references, max_new_tokens=task.max_new_tokens, drafting=drafting
        )
    else:
        answers = [
            decoder.generate(
                prompt, references, max_new_tokens=task.max_new_tokens, drafting=drafting
            )
            for prompt, references in zip(task.prompts, task.references, strict=True)
        ]
    return answers, time.perf_counter() - begun


def measured(task: Task, rows: int, drafting: str, truth: Sequence[Generation]) -> Run:
    """One setting once."""
    calls: list[int] = []
    hook = task.decoders[rows].model.register_forward_pre_hook(lambda *_: calls.append(1))
    answers, seconds = decoded(task, rows, drafting)
    hook.remove()
    tokens = sum(len(each.token_ids) for each in answers)
    return Run(
        tokens_per_s=tokens / seconds,
        decode_tokens_per_s=tokens / (seconds - sum(each.stats.prefill_s for each in answers)),
        passes=len(calls) - sum(-(-len(prompt) // 512) for prompt in task.prompts),
        drafted=sum(each.stats.drafted for each in answers),
        identical=sum(
            mine.token_ids == plain.token_ids and mine.text == plain.text
            for mine, plain in zip(answers, truth, strict=True)
        ),
    )


def summary(rows: int, drafting: str, runs: dict[tuple[int, str], list[Run]]) -> dict[str, object]:
    """Medians over the rounds, and the median of the rounds' ratios to one after another."""
    own, single = runs[rows, drafting], runs[1, drafting]
    return {
        "rows": rows,
        "drafting": drafting,
        "tokens_per_s": round(statistics.median(run.tokens_per_s for run in own), 1),
        "decode_tokens_per_s": round(statistics.median(run.decode_tokens_per_s for run in own), 1),
        "speedup_of_decoding": round(
            statistics.median(
                run.decode_tokens_per_s / one.decode_tokens_per_s
                for run, one in zip(own, single, strict=True)
            ),
            2,
        ),
        "passes": statistics.median(run.passes for run in own),
        "drafted": statistics.median(run.drafted for run in own),
        "identical": min(run.identical for run in own),
    }


def print_table(report: dict[str, object]) -> None:
    """The settings for people."""
    settings = report["settings"]
    assert isinstance(settings, list)
    print("  ".join(f"{name:>19}" for name in settings[0]))
    for row in settings:
        print("  ".join(f"{value!s:>19}" for value in row.values()))


if __name__ == "__main__":
    sys.exit(main())
