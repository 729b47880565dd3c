"""A real decode loop that is made to say the recorded answers.

Every forward pass is run; a logits processor raises the recorded token above all others, so any
model of the tokenizer's vocabulary will do, also one with random weights. Plain decoding and every
method take their turns on each row, in one process, in an order that rotates from row to row.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    Qwen2Config,
)

from quoth.decoding import Decoder
from quoth.decoding.drafting.selection import Drafting
from replaying.rows import Row

_SLACK = 128  # tokens that a draft may reach beyond the answer's end


class Script(LogitsProcessor):
    """Makes a model say given tokens after its prompt."""

    def __init__(self, prompt_length: int, tokens: Sequence[int]) -> None:
        self._prompt_length = prompt_length
        self._tokens = tuple(tokens)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Raise the token of this position."""
        position = input_ids.shape[1] - self._prompt_length
        scores[:, self._tokens[position]] = torch.finfo(scores.dtype).max
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One answer with one method; seconds are those of decoding, the prompt's are not in them."""

    row: str
    tokens: int
    passes: int
    drafted: int
    seconds: float
    is_identical: bool


def random_model(vocabulary: int, *, layers: int, width: int) -> PreTrainedModel:
    """A Qwen2 with random weights, in bfloat16: there drafts may fork."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 256),
        max_position_embeddings=8192,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
        config, attn_implementation="eager", dtype=torch.bfloat16
    )
    return model


def forced(decoder: Decoder, row: Row, drafting: Drafting) -> Run:
    """Decode one recorded answer."""
    steps = list(
        decoder.stream(
            row.prompt,
            row.references,
            max_new_tokens=len(row.answer) + _SLACK,
            eos_token_ids=row.answer[-1:],
            logits_processor=LogitsProcessorList([Script(len(row.prompt), row.answer)]),
            drafting=drafting,
        )
    )
    stats = steps[-1].stats
    said = tuple(token for step in steps for token in step.token_ids)
    return Run(
        row=row.id,
        tokens=stats.tokens - 1,
        passes=stats.forward_passes,
        drafted=stats.drafted,
        seconds=stats.decode_s,
        is_identical=said == row.answer,
    )


def interleaved(
    decoder: Decoder, rows: Sequence[Row], methods: Mapping[str, Drafting]
) -> dict[str, list[Run]]:
    """Every method on every row, after one answer that does not count."""
    runs: dict[str, list[Run]] = {name: [] for name in methods}
    forced(decoder, rows[0], "none")
    names = list(methods)
    for number, row in enumerate(rows):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            runs[name].append(forced(decoder, row, methods[name]))
        print(f"{number + 1} of {len(rows)} rows", file=sys.stderr, flush=True)
    return runs


def summary(runs: Mapping[str, Sequence[Run]]) -> dict[str, dict[str, object]]:
    """Per method: the median and the worst ratio of plain seconds to its own, and the counts."""
    return {name: _against_plain(own, runs["plain"]) for name, own in runs.items()}


def _against_plain(own: Sequence[Run], plain: Sequence[Run]) -> dict[str, object]:
    ratios = [base.seconds / run.seconds for base, run in zip(plain, own, strict=True)]
    worst = min(range(len(own)), key=ratios.__getitem__)
    return {
        "median_speedup": round(median(ratios), 3),
        "worst_speedup": round(ratios[worst], 3),
        "worst_row": own[worst].row,
        "total_speedup": round(sum(r.seconds for r in plain) / sum(r.seconds for r in own), 3),
        "tokens_per_pass": round(sum(r.tokens for r in own) / sum(r.passes for r in own), 4),
        "drafted_per_step": round(sum(r.drafted for r in own) / sum(r.passes for r in own), 3),
        "identical": sum(run.is_identical for run in own) / len(own),
    }
