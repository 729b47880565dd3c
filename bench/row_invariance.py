"""Does a token's row of logits depend on the number of rows it is computed with?

Decodes random tokens with random Llama models, each position once alone (an empty draft, padded to
`--min-rows`) and once inside verify steps of several widths, and counts the logit rows that differ
in any bit, the largest difference, and the argmaxes that flip. Also gives the seconds per pass.

    python bench/row_invariance.py --steps 200 > rows.json

The last line on stdout is one JSON document.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import Draft
from quoth.decoding.verify import Verifier

WIDTHS = (4, 8, 16, 32)
WINDOW = 2048
SIZES = {  # layers, hidden, intermediate, vocabulary
    "tiny": (2, 64, 192, 256),
    "odd": (2, 64, 170, 256),  # 4 x 170 is no multiple of the vector width
    "middle": (6, 384, 1024, 8192),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison: plain decoding with `min_rows` rows against verify steps of `width` rows."""

    model: str
    dtype: str
    attention: str
    min_rows: int
    key_block: int
    width: int
    rows: int
    rows_that_differ: int
    largest_difference: float
    argmax_flips: int
    pass_ms: float


def random_llama(size: str, dtype: torch.dtype, attention: str) -> LlamaForCausalLM:
    """A Llama with random weights of wide spread, so that ties are rare."""
    layers, hidden, intermediate, vocabulary = SIZES[size]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 64,
        max_position_embeddings=WINDOW,
        initializer_range=0.08,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).to(dtype).eval()


def logits_by_width(
    model: LlamaForCausalLM,
    tokens: Sequence[int],
    prompt_length: int,
    width: int,
    config: DecodingConfig,
) -> tuple[Tensor, float]:
    """Logits after each token behind the prompt, in passes of `width` rows; and ms per pass."""
    verifier = Verifier(model, config, window=WINDOW)
    verifier.prefill(tokens[:prompt_length])
    rows, seconds, at = [], [], prompt_length
    while at < len(tokens):
        drafted = min(width - 1, verifier.room, len(tokens) - at - 1)
        begun = time.perf_counter()
        logits = verifier.verify(tokens[at], Draft.chain(tokens[at + 1 : at + 1 + drafted]))
        seconds.append(time.perf_counter() - begun)
        rows.append(logits)
        at += len(logits)
        verifier.keep(at)
    return torch.cat(rows), 1000 * median(seconds)


def compare(
    size: str, dtype: torch.dtype, attention: str, steps: int, config: DecodingConfig
) -> list[Row]:
    """Plain decoding against every width."""
    model = random_llama(size, dtype, attention)
    prompt_length = 300
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(
        0, model.config.vocab_size, (prompt_length + steps,), generator=generator
    ).tolist()
    plain, plain_ms = logits_by_width(model, tokens, prompt_length, 1, config)
    found = []
    for width in (1, *WIDTHS):
        logits, pass_ms = logits_by_width(model, tokens, prompt_length, width, config)
        found.append(
            Row(
                model=size,
                dtype=str(dtype).removeprefix("torch."),
                attention=attention,
                min_rows=config.min_rows,
                key_block=config.key_block,
                width=width,
                rows=len(plain),
                rows_that_differ=int((plain != logits).any(dim=-1).sum()),
                largest_difference=float((plain - logits).abs().max()),
                argmax_flips=int((plain.argmax(-1) != logits.argmax(-1)).sum()),
                pass_ms=round(plain_ms if width == 1 else pass_ms, 3),
            )
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny", "odd", "middle"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--attention", nargs="+", default=["eager"])
    parser.add_argument("--min-rows", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--key-block", type=int, default=256)
    options = parser.parse_args()
    rows: list[Row] = []
    for size in options.sizes:
        for dtype in options.dtypes:
            for attention in options.attention:
                for min_rows in options.min_rows:
                    config = DecodingConfig(min_rows=min_rows, key_block=options.key_block)
                    new = compare(size, getattr(torch, dtype), attention, options.steps, config)
                    for row in new:
                        print(row, file=sys.stderr)
                    rows += new
    machine = {
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()
