"""Tokens per forward pass, on recorded answers of real models, of every method beside its peers.

    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5
    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5 --methods auto,vote-tree --every 10
    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5 --warm 10
    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5 --rows 20 --reference-tokens 16000
    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5 --real --rows 30

Drafting alone is run, and the recorded answer stands for the model; with `--real` a model is made
to say it, every pass is run, and seconds are compared. How, is said in `replaying/rows.py` and
`replaying/forcing.py`. The last line of stdout is one JSON document; `--output` writes it to a file
as well.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from quoth.decoding import Decoder, DecodingConfig
from quoth.decoding.drafting.prepared import PreparedSources
from quoth.decoding.drafting.selection import Material, select_drafters
from quoth.decoding.drafting.spelling import spelling_classes
from quoth.decoding.models.loading import load_model
from replaying import forcing, report
from replaying.methods import drafting, folds
from replaying.rows import Row, load_rows, load_tokenizer, padded
from replaying.simulation import walk

METHODS = (
    "plain",
    "hf-prompt-lookup",
    "llma",
    "arctic-suffix",
    "lookahead-trie",
    "vote-tree",
    "reference",
    "auto",
)


def main() -> int:
    """Measure, print the table and the JSON line."""
    arguments = parsed_arguments()
    tokenizer = load_tokenizer(arguments.tokenizer)
    everything = load_rows(arguments.data, tokenizer)
    rows = everything[:: arguments.every]
    if arguments.rows:
        rows = [rows[place * len(rows) // arguments.rows] for place in range(arguments.rows)]
    if arguments.reference_tokens:
        rows = [padded(row, everything, arguments.reference_tokens) for row in rows]
    run = real if arguments.real else simulated
    found = report.circumstances() | {"rows": len(rows)} | run(rows, tokenizer, arguments)
    line = json.dumps(found, ensure_ascii=False)
    if arguments.output:
        arguments.output.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0


def simulated(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, arguments: argparse.Namespace
) -> dict[str, object]:
    """Drafting alone."""
    prepared = PreparedSources(spelling_classes(tokenizer))
    material = Material(config=DecodingConfig(), prepared=prepared)
    found = {}
    for method in arguments.methods.split(","):
        begun = time.perf_counter()
        walks = []
        for measured, known in folds(rows, arguments.warm):
            made = select_drafters(drafting(method, known), material)
            walks += [
                walk(row, made, material.config, vocabulary=len(tokenizer)) for row in measured
            ]
        found[method] = report.summary(walks)
        print(f"{method}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print(report.table(found))
    return {"mode": "simulated", "warm_folds": arguments.warm, "methods": found}


def real(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, arguments: argparse.Namespace
) -> dict[str, object]:
    """Every pass is run.

    Raises:
        ValueError: Warm methods are asked for; only the simulation has them.
    """
    if arguments.warm > 1:
        raise ValueError("--warm works in the simulation only; leave out --real or --warm")
    if arguments.model:
        model, _ = load_model(arguments.model, device=arguments.device, dtype=arguments.dtype)
    else:
        model = forcing.random_model(len(tokenizer), layers=arguments.layers, width=arguments.width)
    decoder = Decoder(model, tokenizer)
    names = dict.fromkeys(["plain", *arguments.methods.split(",")])
    methods = {name: drafting(name, ()) for name in names}
    found = forcing.summary(forcing.interleaved(decoder, rows, methods))
    print(report.real_table(found))
    return {
        "mode": "real",
        "model": arguments.model or f"random Qwen2, {arguments.layers} x {arguments.width}",
        "dtype": str(model.dtype),
        "is_row_invariant": decoder.is_row_invariant,
        "methods": found,
    }


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="JSON lines, packed with gzip or not")
    parser.add_argument("--tokenizer", required=True, help="folder, or prefix of Qwen2's files")
    parser.add_argument("--methods", default=",".join(METHODS), help="separated by commas")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth row")
    parser.add_argument("--rows", type=int, metavar="N", help="of these, N evenly spread ones")
    parser.add_argument(
        "--reference-tokens", type=int, metavar="N", help="pad with passages of other groups"
    )
    parser.add_argument(
        "--warm",
        type=int,
        default=1,
        metavar="FOLDS",
        help="each of so many parts is measured with the other groups' rows known; 1: cold",
    )
    parser.add_argument("--real", action="store_true", help="run every pass, and compare seconds")
    parser.add_argument("--model", help="name or folder, of this tokenizer; else random weights")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--layers", type=int, default=4, help="of the random model")
    parser.add_argument("--width", type=int, default=512, help="of the random model")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
