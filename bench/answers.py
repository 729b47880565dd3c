"""Plain against drafted decoding, on whole answers of the assistant, in one process.

    python bench/answers.py                             the guide, quoth-mini
    python bench/answers.py --docs FOLDER --questions FILE --model NAME

Each question is answered plainly and with drafting, in alternating order. The last line of stdout
is one JSON document; `--output` writes it to a file as well. The answers must be equal: a
difference ends the run with exit code 1.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

import quoth
from quoth import Answer, Assistant, Settings

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
QUESTIONS = ROOT / "bench" / "questions.txt"


def main() -> int:
    """Measure, print the table and the JSON line."""
    arguments = parsed_arguments()
    questions = [
        line for line in arguments.questions.read_text(encoding="utf-8").splitlines() if line
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            index_path=Path(folder) / "index",
            model=arguments.model,
            device=arguments.device,
            dtype=arguments.dtype,
        )
        with Assistant.open(settings) as assistant:
            assistant.sync(arguments.docs)
            rows = [measured(assistant, number, q) for number, q in enumerate(questions)]
    report = machine() | {"model": arguments.model, "dtype": arguments.dtype} | summary(rows)
    print_table(rows, report)
    line = json.dumps(report | {"rows": rows}, ensure_ascii=False)
    if arguments.output:
        arguments.output.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0 if report["identical"] == len(rows) else 1


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, nargs="+", default=[GUIDE])
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="one a line")
    parser.add_argument("--model", default="quoth-mini")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def measured(assistant: Assistant, number: int, question: str) -> dict[str, object]:
    """One question, both ways; which comes first alternates, and neither is the warm-up."""
    plainly = Assistant(
        assistant.index, assistant.decoder, replace(assistant.settings, drafting="none")
    )
    pair = (plainly, assistant) if number % 2 else (assistant, plainly)
    pair[0].ask(question)  # warm-up: caches of this prompt's length
    answers: dict[bool, Answer] = {one is plainly: one.ask(question) for one in pair}
    plain, drafted = answers[True], answers[False]
    return {
        "question": question,
        "answer": drafted.text,
        "identical": plain.text == drafted.text,
        "tokens": drafted.stats.tokens,
        "plain_passes": plain.stats.forward_passes,
        "drafted_passes": drafted.stats.forward_passes,
        "plain_decode_s": plain.stats.decode_s,
        "drafted_decode_s": drafted.stats.decode_s,
        "prefill_s": drafted.stats.prefill_s,
        "copied_share": drafted.stats.copied_share,
        "coverage": drafted.coverage,
    }


def summary(rows: list[dict[str, object]]) -> dict[str, object]:
    """Medians of ratios, the worst case, and how many answers were identical."""
    speedups = [float(r["plain_decode_s"]) / float(r["drafted_decode_s"]) for r in rows]  # type: ignore[arg-type]
    per_pass = [int(r["tokens"]) / int(r["drafted_passes"]) for r in rows if r["drafted_passes"]]  # type: ignore[call-overload]
    return {
        "answers": len(rows),
        "identical": sum(bool(row["identical"]) for row in rows),
        "median_tokens_per_pass": round(statistics.median(per_pass), 2),
        "median_speedup_of_decoding": round(statistics.median(speedups), 2),
        "worst_speedup_of_decoding": round(min(speedups), 2),
        "median_copied_share": round(
            statistics.median(float(r["copied_share"]) for r in rows),  # type: ignore[arg-type]
            3,
        ),
    }


def machine() -> dict[str, object]:
    """Where and with what this was measured."""
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "commit": git.stdout.strip(),
        "quoth": quoth.__version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.system()} {platform.machine()}, {processor()}",
    }


def processor() -> str:
    """The processor's name, or its accelerator's where one is there."""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def print_table(rows: list[dict[str, object]], report: dict[str, object]) -> None:
    """The rows for people."""
    print(f"{'tokens':>6} {'plain':>6} {'drafted':>7} {'equal':>5}  question")
    for row in rows:
        equal = "yes" if row["identical"] else "NO"
        print(
            f"{row['tokens']:>6} {row['plain_passes']:>6} {row['drafted_passes']:>7} {equal:>5}  "
            f"{row['question']}"
        )
    for name, value in report.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    sys.exit(main())
