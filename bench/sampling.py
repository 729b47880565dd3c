"""What it costs to take a token from a row of logits, by options, next to sorting the vocabulary.

    python bench/sampling.py --vocabulary 151936 > sampling.json

`taken` is the decoder's own way; `sorted` are the definitions of top-k, top-p and min-p as they
read, by a sort of the whole row. Both must give the same tokens, or the exit code is 1. The rows
`of a pass` are those of a drafted pass of which all tokens are accepted, in microseconds per token.
The last line on stdout is one JSON document.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from quoth.decoding.choosing import Chooser
from quoth.decoding.request import Request
from quoth.decoding.sampling import Sampling, sample, uniform

Row = NDArray[np.float32]
CUTS: dict[str, dict[str, Any]] = {
    "temperature": {},
    "top_k 50": {"top_k": 50},
    "top_k 1000": {"top_k": 1000},
    "top_p 0.9": {"top_p": 0.9},
    "min_p 0.05": {"min_p": 0.05},
    "top_k 50, top_p 0.9": {"top_k": 50, "top_p": 0.9},
    "top_p 0.9, min_p 0.05": {"top_p": 0.9, "min_p": 0.05},
}
PASSES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "greedy, penalties": {"repetition_penalty": 1.1, "presence_penalty": 0.5},
    "greedy, bad words": {"bad_words": [[5], [6, 7], [8, 9, 10]]},
    "sampled, top_p 0.9": {"temperature": 0.8, "top_p": 0.9},
    "sampled, top_k 50, penalties": {
        "temperature": 0.8,
        "top_k": 50,
        "repetition_penalty": 1.1,
        "frequency_penalty": 0.2,
    },
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabulary", type=int, default=151_936)
    parser.add_argument("--rows", type=int, default=16, help="of a pass")
    parser.add_argument("--prompt", type=int, default=4000, help="tokens, for the penalties")
    parser.add_argument("--repeats", type=int, default=21)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = made_rows(arguments.vocabulary)
    found = [
        single(name, cut, kind, row, arguments.repeats)
        for kind, row in rows.items()
        for name, cut in CUTS.items()
    ]
    passes = [of_pass(name, options, arguments) for name, options in PASSES.items()]
    report = {
        "processor": platform.processor() or platform.machine(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "vocabulary": arguments.vocabulary,
        "single": found,
        "of a pass": passes,
    }
    print(json.dumps(report))
    return 0 if all(row["same"] for row in found) else 1


def made_rows(vocabulary: int) -> dict[str, Row]:
    """A row as of an untrained model, and one with a few likely tokens, as of a trained one."""
    chance = np.random.default_rng(0)
    flat = chance.normal(0, 1, vocabulary).astype(np.float32)
    peaked = chance.normal(0, 2.2, vocabulary).astype(np.float32)
    peaked[chance.integers(0, vocabulary, 30)] += np.linspace(8, 20, 30, dtype=np.float32)
    return {"flat": flat, "peaked": peaked}


def single(name: str, cut: dict[str, Any], kind: str, row: Row, repeats: int) -> dict[str, Any]:
    """Both ways, interleaved."""
    sampling = Sampling(temperature=0.8, seed=1, **cut)
    same = all(sample(row, sampling, at) == by_sorting(row, sampling, at) for at in range(20))
    taken, sorted_ = [], []
    for position in range(repeats):
        taken.append(seconds(lambda at=position: sample(row, sampling, at)))
        sorted_.append(seconds(lambda at=position: by_sorting(row, sampling, at)))
    times = {"taken_us": micro(taken), "sorted_us": micro(sorted_)}
    print(f"{kind:7} {name:24} {times['taken_us']:8.0f} us  {times['sorted_us']:8.0f} us sorted")
    return {"row": kind, "options": name, **times, "same": same}


def by_sorting(row: Row, sampling: Sampling, position: int) -> int:
    """The definitions: everything sorted, ties by token id, one cumulative sum."""
    weights = np.exp((row.astype(np.float64) - row.max()) / sampling.temperature)
    if sampling.top_k:
        weights[row < np.sort(row)[-sampling.top_k]] = 0
    if sampling.top_p < 1:
        order = np.argsort(-weights, kind="stable")
        before = np.cumsum(weights[order]) - weights[order]
        weights[order[before >= sampling.top_p * weights.sum()]] = 0
    weights[weights < sampling.min_p] = 0
    cumulative = np.cumsum(weights)
    target = uniform(sampling.seed, position) * cumulative[-1]
    return int(np.searchsorted(cumulative, target, side="right"))


def of_pass(name: str, options: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """A whole pass, all of it accepted, again and again."""
    chance = torch.Generator().manual_seed(0)
    prompt = torch.randint(0, arguments.vocabulary, (arguments.prompt,), generator=chance)
    logits = torch.randn(arguments.rows, arguments.vocabulary, generator=chance) * 3
    most = arguments.rows * arguments.repeats
    request = Request.from_options(
        prompt.tolist(), (), {**options, "max_new_tokens": most}, default_eos=()
    )
    chooser = Chooser(request, torch.device("cpu"))

    def run() -> None:
        choose = chooser.choices(logits)
        for node in range(-1, arguments.rows - 1):
            choose(node)

    each = micro([seconds(run) for _ in range(arguments.repeats)]) / arguments.rows
    print(f"of a pass {name:30} {each:8.0f} us a token")
    return {"options": name, "us_per_token": each}


def seconds(run: Callable[[], object]) -> float:
    """How long it takes on the processor; one thread is used."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def micro(times: list[float]) -> float:
    """The median, in microseconds."""
    return round(statistics.median(times) * 1e6, 1)


if __name__ == "__main__":
    sys.exit(main())
