"""What beginning a text costs the reference drafter, with new sources and with prepared ones.

    python bench/prepared.py replay.jsonl.gz --tokenizer FOLDER

Prints the median milliseconds of `start` for references of the given number of tokens, as one
document and cut into passages of 500, beside a short prompt; and where they stand in the prompt.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from quoth.decoding import DecodingConfig, Reference
from quoth.decoding.drafting.prepared import PreparedSources
from quoth.decoding.drafting.reference import ReferenceDrafter
from quoth.decoding.drafting.spelling import spelling_classes
from replaying.rows import load_rows, load_tokenizer

_PASSAGE = 500


def main() -> None:
    """Print a table."""
    options = _options()
    tokenizer = load_tokenizer(options.tokenizer)
    spellings = spelling_classes(tokenizer)
    rows = load_rows(options.rows, tokenizer)
    tokens = [token for row in rows for source in row.references for token in source.token_ids]
    prompt = rows[0].prompt[:500]
    print("tokens   as          where    new ms   prepared ms")
    for total in options.tokens:
        for name, size in (("one", total), ("passages", _PASSAGE)):
            cuts = range(0, total, size)
            sources = [Reference(f"{at}", tuple(tokens[at : at + size])) for at in cuts]
            for where, text in (("apart", prompt), ("prompt", [*tokens[:total], *prompt])):
                new, again = _times(spellings, text, sources, options.times)
                print(f"{total:<8} {name:<11} {where:<8} {new:6.2f}   {again:6.2f}")


def _times(
    spellings: Sequence[int], prompt: Sequence[int], sources: Sequence[Reference], times: int
) -> tuple[float, float]:
    """Median milliseconds with nothing prepared, and with all; taken in turn."""
    config = DecodingConfig()
    kept = PreparedSources(spellings)
    new, again = [], []
    for turn in range(times + 1):
        for found, prepared in ((new, PreparedSources(spellings)), (again, kept)):
            drafter = ReferenceDrafter(config, prepared=prepared)
            begin = time.perf_counter()
            drafter.start(prompt, sources)
            if turn:  # the first one prepares
                found.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(new), statistics.median(again)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path, help="rows in the schema of bench/replay.py")
    parser.add_argument("--tokenizer", type=Path, required=True, help="a folder")
    parser.add_argument("--tokens", type=int, nargs="+", default=[2_000, 16_000, 128_000])
    parser.add_argument("--times", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main()
