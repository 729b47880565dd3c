"""From walks to a table and to what is written down."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import quoth
from replaying.simulation import Walk

_ROOT = Path(__file__).resolve().parents[2]
HEADLINE = (
    "all",
    "ragtruth_qa_test",
    "llma_rag",
    "specbench_vicuna7b/rag",
    "specbench_vicuna7b/summarization",
)


def summary(walks: Sequence[Walk]) -> dict[str, object]:
    """Everything about one method."""
    columns = {name: _column(walks, name) for name in _columns(walks)}
    sources = {name: cell for name, cell in columns.items() if name != "all"}
    worst = min(walks, key=lambda walk: walk.tokens / walk.passes)
    hardest = min(sources, key=lambda name: sources[name]["tokens_per_pass"])
    seconds = np.array([second for walk in walks for second in walk.step_s])
    starts = np.array([walk.start_s for walk in walks])
    return {
        "columns": columns,
        "worst_row": {"id": worst.row.id, "tokens_per_pass": worst.tokens / worst.passes},
        "worst_source": {
            "name": hardest,
            "tokens_per_pass": sources[hardest]["tokens_per_pass"],
        },
        "step_us": _quantiles(seconds * 1e6),
        "start_us": _quantiles(starts * 1e6),
        "failures": sum(walk.failures for walk in walks),
    }


def table(methods: dict[str, dict[str, object]]) -> str:
    """Tokens per pass at drafted tokens per step in the headline's columns; and the overhead."""
    heads = [name.removeprefix("specbench_vicuna7b/") for name in HEADLINE]
    lines = [f"{'':<18}" + "".join(f"{head:>18}" for head in heads) + "   wasted   µs p50/p99"]
    for name, found in methods.items():
        columns, step = found["columns"], found["step_us"]
        assert isinstance(columns, dict)
        assert isinstance(step, dict)
        cells = "".join(f"{_cell(columns.get(column)):>18}" for column in HEADLINE)
        overhead = f"{step['median']:.0f}/{step['p99']:.0f}"
        lines.append(f"{name:<18}{cells}{columns['all']['wasted_share']:>9.2f}{overhead:>13}")
    return "\n".join(lines)


def real_table(methods: dict[str, dict[str, object]]) -> str:
    """How many times as fast as plain decoding."""
    keys = ["median_speedup", "worst_speedup", "total_speedup"]
    keys += ["tokens_per_pass", "drafted_per_step", "identical"]
    lines = [f"{'':<18}" + "".join(f"{key:>18}" for key in keys)]
    for name, found in methods.items():
        lines.append(f"{name:<18}" + "".join(f"{found[key]:>18}" for key in keys))
    return "\n".join(lines)


def circumstances() -> dict[str, object]:
    """What was run, and on what."""
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=_ROOT, capture_output=True, text=True
    )
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = f"{len(names)} x {names[0]}" if names else platform.processor()
    return {
        "command": " ".join(["python bench/replay.py", *map(_nameless, sys.argv[1:])]),
        "commit": git.stdout.strip(),
        "quoth": quoth.__version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.system()} {platform.machine()}, {processor}",
    }


def _nameless(argument: str) -> str:
    """Without the folders of this machine."""
    return argument.rsplit("/", 1)[-1]


def _columns(walks: Sequence[Walk]) -> list[str]:
    """Names in the order of their first row, `all` first; a source's only task is left out."""
    names = list(dict.fromkeys(name for walk in walks for name in walk.row.columns))
    tasks = {walk.row.source: set[str]() for walk in walks}
    for walk in walks:
        tasks[walk.row.source].add(walk.row.task)
    lonely = {f"{source}/{task}" for source, own in tasks.items() for task in own if len(own) == 1}
    return [name for name in names if name not in lonely]


def _column(walks: Sequence[Walk], name: str) -> dict[str, float]:
    inside = [walk for walk in walks if name in walk.row.columns]
    tokens, passes, drafted, accepted = (
        sum(getattr(walk, field) for walk in inside)
        for field in ("tokens", "passes", "drafted", "accepted")
    )
    return {
        "rows": len(inside),
        "tokens_per_pass": round(tokens / passes, 4),
        "drafted_per_step": round(drafted / passes, 3),
        "wasted_share": round(1 - accepted / drafted, 4) if drafted else 0.0,
    }


def _cell(column: dict[str, float] | None) -> str:
    if column is None:
        return "-"
    return f"{column['tokens_per_pass']:.3f} at {column['drafted_per_step']:.1f}"


def _quantiles(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 1),
        "p99": round(float(np.quantile(values, 0.99)), 1),
    }
