"""Every causal language model class of the installed transformers, tiny and with random weights.

    python bench/architectures.py                  all of them, printed as they come
    python bench/architectures.py llama mamba      some
    python bench/architectures.py --write          all, and docs/models.md with their table

Each is decoded greedily by Hugging Face's `generate`, by its prompt lookup, and by a `Decoder`
without drafts and with right, half right, wrong and forked ones. All must say the same. The last
line of stdout is one JSON document; a fault of Quoth's ends the run with exit code 1.
"""

import argparse
import json
import logging
import sys
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.architecture_check import Verdict, check, first_line  # noqa: E402 - the path first
from helpers.tiny_architectures import class_name, model_types, tiny_model  # noqa: E402
from helpers.tiny_families import UNBUILT  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- begin: written by bench/architectures.py -->", "<!-- end -->"
_FAULTS = ("different", "crash")
_READS = {"keys": "", "states": "states", "own states": "states", "text": "whole text"}


def main() -> int:
    """Run the sweep; 1 if an architecture is decoded wrongly."""
    arguments = _arguments()
    logging.disable(logging.WARNING)
    verdicts: dict[str, Verdict] = {}
    for model_type in arguments.types or model_types():
        if model_type in UNBUILT:
            print(f"{model_type:26} not built: {UNBUILT[model_type]}", flush=True)
            continue
        verdicts[model_type] = verdict = _verdict(model_type)
        print(
            f"{model_type:26} {verdict.quoth:12} {verdict.memory:11} "
            f"{verdict.plain_passes:3} -> {verdict.drafted_passes:3} {'trees' * verdict.trees:5} "
            f"| {verdict.lookup:9} | {verdict.reason[:150]}",
            flush=True,
        )
    if arguments.write:
        _write(verdicts)
    print(json.dumps({name: asdict(verdict) for name, verdict in verdicts.items()}))
    return int(any(verdict.quoth in _FAULTS for verdict in verdicts.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("types", nargs="*", help="model types; none: all")
    parser.add_argument("--write", action="store_true", help="write docs/models.md")
    return parser.parse_args()


class _Plain(argparse.RawDescriptionHelpFormatter):
    pass


def _verdict(model_type: str) -> Verdict:
    try:
        model = tiny_model(model_type)
    except Exception as error:  # noqa: BLE001 - a fault to be shown
        return Verdict(quoth="crash", reason=f"not built, {first_line(error)}")
    return check(model)


def _write(verdicts: dict[str, Verdict]) -> None:
    """Put the counts and the table between the page's marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, after = page[: page.index(BEGIN)], page[page.index(END) :]
    parts = [_counts(verdicts), _others(verdicts), _table(verdicts)]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{after}", encoding="utf-8")


def _counts(verdicts: dict[str, Verdict]) -> str:
    quoth = Counter(verdict.quoth for verdict in verdicts.values())
    lookup = Counter(verdict.lookup for verdict in verdicts.values())
    trees = sum(verdict.trees for verdict in verdicts.values())
    rows = [
        ("drafts verified, same text", quoth["accelerated"], lookup["equal"]),
        ("decoded plainly, same text", quoth["plain"], 0),
        ("refused with a reason, or an error", quoth["refused"] + quoth["crash"], lookup["error"]),
        ("**another text**", quoth["different"], lookup["different"]),
    ]
    lines = [f"| {what} | {ours} | {theirs} |" for what, ours, theirs in rows]
    return (
        f"transformers {version('transformers')} names {len(model_types())} model types for causal "
        f"language models; {len(verdicts)} could be built.\n\n"
        f"| | Quoth | prompt lookup of transformers |\n|---|---|---|\n"
        + "\n".join(lines)
        + f"\n\nOf the {quoth['accelerated']} of the first row, {trees} take drafts that fork, "
        f"the others chains."
    )


def _others(verdicts: dict[str, Verdict]) -> str:
    """The types without acceleration, and why."""
    lines = [
        f"- `{name}`: {'decoded plainly' if verdict.quoth == 'plain' else _reason(verdict)}"
        for name, verdict in verdicts.items()
        if verdict.quoth != "accelerated"
    ]
    lines += [f"- `{name}`: not built here ({reason})" for name, reason in UNBUILT.items()]
    return "Not accelerated:\n\n" + "\n".join(lines)


def _reason(verdict: Verdict) -> str:
    """What is between "cannot be decoded with" and the advice."""
    message = verdict.reason.partition("cannot be decoded with: ")[2] or verdict.reason
    return f"{verdict.quoth}: {message.partition('. Choose')[0]}"


def _table(verdicts: dict[str, Verdict]) -> str:
    head = (
        "| model type | class | drafts | kept by copies | prompt lookup |\n|---|---|---|---|---|\n"
    )
    return head + "\n".join(_row(name, verdict) for name, verdict in verdicts.items())


def _row(name: str, verdict: Verdict) -> str:
    drafted = {"accelerated": "chains", "plain": "none"}.get(verdict.quoth, verdict.quoth)
    drafted = "trees" if verdict.trees else drafted
    kept = _READS.get(verdict.memory, "")
    return f"| {name} | {class_name(name)} | {drafted} | {kept} | {verdict.lookup} |"


if __name__ == "__main__":
    sys.exit(main())
