"""Tokens per forward pass, on recorded answers of real models, of every method beside its peers.

    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5
    python bench/replay.py replay.jsonl.gz --tokenizer qwen2.5 --methods auto,vote-tree --every 10

Drafting alone is run, the recorded answer stands for the model; how, is said in
`replaying/rows.py`. The last line of stdout is one JSON document; `--output` writes it to a file.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from quoth.decoding import DecodingConfig
from replaying.methods import folds, method
from replaying.report import circumstances, summary, table
from replaying.rows import load_rows, load_tokenizer
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
    rows = load_rows(arguments.data, tokenizer, every=arguments.every)
    config = DecodingConfig()
    found: dict[str, dict[str, object]] = {}
    for name in arguments.methods.split(","):
        begun = time.perf_counter()
        walks = []
        for measured, known in folds(rows, arguments.warm):
            drafters = method(name)(known, config)
            walks += [walk(row, drafters, config, vocabulary=len(tokenizer)) for row in measured]
        found[name] = summary(walks)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print(table(found))
    line = json.dumps(circumstances() | {"rows": len(rows), "methods": found}, ensure_ascii=False)
    if arguments.output:
        arguments.output.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="JSON lines, packed with gzip or not")
    parser.add_argument("--tokenizer", required=True, help="folder, or prefix of Qwen2's files")
    parser.add_argument("--methods", default=",".join(METHODS), help="separated by commas")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth row")
    parser.add_argument(
        "--warm",
        type=int,
        default=1,
        metavar="FOLDS",
        help="each of so many parts is measured with the other groups' rows known; 1: cold",
    )
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
