"""Tokens per forward pass of every drafter on the packaged model, and what its drafts cost.

    python bench/drafters.py                             questions on the guide, and free text
    python bench/drafters.py --data FOLDER --count 40    held-out questions as well

Every text is decoded plainly and with each drafter; the tokens must be equal, or the exit code is
1. `guide` are the questions of bench/questions.txt over docs/guide, `held_out` those of FOLDER that
the model was not trained on (FOLDER/qa_train), with the passages that retrieval finds; `free` goes
on with the guide's sentences, sampled, so that there is little to copy. Names that this version
does not know are left out. The last line of stdout is one JSON document.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from answers import GUIDE, QUESTIONS, machine

import quoth.decoding.decoder as decoder_module
from quoth import Assistant, Settings
from quoth.app.engines import open_index
from quoth.decoding import Decoder, Generation, Outcome, Reference, Step
from quoth.decoding.drafting.mixing import Mixer, Proposal
from quoth.decoding.drafting.recycle import RecycleDrafter
from quoth.decoding.drafting.successors import SuccessorStore
from quoth.decoding.training.sources import QuestionRow, is_held_out, read_questions
from quoth.errors import ConfigError

if TYPE_CHECKING:
    from quoth.decoding.drafting.selection import Drafting

NAMES = ("none", "reference", "recycle", "recycle, warm", "jacobi", "lookahead", "phrases", "auto")
HELD_OUT_SHARE = 0.06  # as in training
FREE_CHARS, FREE_TOKENS = 600, 48
FREE = {"temperature": 1.0, "max_new_tokens": FREE_TOKENS, "eos_token_ids": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One text to decode."""

    kind: str
    prompt_ids: Sequence[int]
    references: Sequence[Reference] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Listener:
    """Stands in for a decoder in an assistant, and keeps what it is asked to decode."""

    decoder: Decoder
    asked: list[Case] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.decoder, name)

    def stream(
        self,
        prompt_ids: Sequence[int],
        references: Sequence[Reference] = (),
        **options: Any,  # noqa: ANN401 - those of `Decoder.stream`
    ) -> Iterator[Step]:
        """Remember the request; one token of it is enough."""
        del options["drafting"]
        self.asked.append(
            Case(kind="", prompt_ids=prompt_ids, references=references, options=options)
        )
        return self.decoder.stream(prompt_ids, references, **{**options, "max_new_tokens": 1})


class TimedMixer(Mixer):
    """Counts the microseconds that drafting takes in each step, merging included."""

    spent: ClassVar[list[float]] = []

    def propose(self, budget: int) -> Proposal:
        """The drafters' proposals, merged."""
        begun = time.perf_counter()
        proposal = super().propose(budget)
        self.spent.append((time.perf_counter() - begun) * 1e6)
        return proposal

    def observe(self, outcome: Outcome) -> None:
        """What the drafters learn belongs to the step before."""
        begun = time.perf_counter()
        super().observe(outcome)
        if self.spent:
            self.spent[-1] += (time.perf_counter() - begun) * 1e6


def main() -> int:
    """Measure, print the table and the JSON line."""
    arguments = parsed_arguments()
    decoder_module.Mixer = TimedMixer  # type: ignore[misc] # as every loop gets one
    decoder = Decoder.from_pretrained("quoth-mini", arguments.device, arguments.dtype)
    cases = [*guide_cases(decoder), *free_cases(decoder, GUIDE, arguments.count)]
    if arguments.data:
        cases += held_out_cases(decoder, arguments.data / "qa_train", arguments.count)
    rows, missing = [], []
    for name in arguments.drafters:
        try:
            rows += measured(decoder, name, cases)
        except ConfigError:
            missing.append(name)
    compared = with_identical(rows)
    report = machine() | {
        "model": "quoth-mini",
        "dtype": str(decoder.model.dtype).removeprefix("torch."),
        "forks": decoder._support.config.forks,
        "missing": missing,
        "rows": compared,
    }
    print_table(compared)
    line = json.dumps(report)
    if arguments.output:
        arguments.output.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0 if all(row.get("identical") == 1 for row in compared) else 1


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with qa_train/extractive_qa.jsonl.gz")
    parser.add_argument("--count", type=int, default=24, help="texts of each kind")
    parser.add_argument("--drafters", nargs="+", default=NAMES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def guide_cases(decoder: Decoder) -> list[Case]:
    """The guide's questions, as the assistant puts them to the model."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return asked(decoder, [GUIDE], [line for line in lines if line], "guide")


def held_out_cases(decoder: Decoder, folder: Path, count: int) -> list[Case]:
    """Questions of groups that training left out; all their contexts are the documents."""
    rows = [
        row
        for row in read_questions(folder / "extractive_qa.jsonl.gz")
        if is_held_out(row.group, share=HELD_OUT_SHARE)
    ]
    chosen: list[QuestionRow] = random.Random(0).sample(rows, min(count, len(rows)))
    contexts = dict.fromkeys(row.context for row in chosen)
    with tempfile.TemporaryDirectory() as documents:
        for number, context in enumerate(contexts):
            (Path(documents) / f"{number}.txt").write_text(context, encoding="utf-8")
        return asked(decoder, [Path(documents)], [row.question for row in chosen], "held_out")


def asked(
    decoder: Decoder, documents: Sequence[Path], questions: Sequence[str], kind: str
) -> list[Case]:
    """What the decoder is handed for these questions."""
    listener = Listener(decoder)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(index_path=Path(folder) / "index")
        with open_index(settings, create=True) as index:
            assistant = Assistant(index, listener, settings)  # type: ignore[arg-type] # streams only
            assistant.sync(documents)
            for question in questions:
                assistant.ask(question)
    return [replace(case, kind=kind) for case in listener.asked]


def free_cases(decoder: Decoder, folder: Path, count: int) -> list[Case]:
    """Beginnings of pages, to be gone on with."""
    assert decoder.tokenizer is not None
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    stride = max(1, sum(map(len, texts)) // count)
    parts = [t[i : i + FREE_CHARS] for t in texts for i in range(0, len(t) - FREE_CHARS, stride)]
    ids = [decoder.tokenizer(part, add_special_tokens=False)["input_ids"] for part in parts]
    return [
        Case(kind="free", prompt_ids=prompt, options={**FREE, "seed": s})
        for s, prompt in enumerate(ids)
    ]


def measured(decoder: Decoder, name: str, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """One row for each kind of text."""
    rows = []
    for kind in dict.fromkeys(case.kind for case in cases):
        TimedMixer.spent.clear()
        drafting: Drafting = warm_recycle(decoder) if name == "recycle, warm" else name
        generations = [
            decoder.generate(c.prompt_ids, c.references, **c.options, drafting=drafting)
            for c in cases
            if c.kind == kind
        ]
        rows.append({"drafting": name, "kind": kind} | totals(generations, TimedMixer.spent))
    return rows


def warm_recycle(decoder: Decoder) -> RecycleDrafter:
    """A drafter that takes what it learned from one text to the next."""
    return RecycleDrafter(decoder._support.config, SuccessorStore())


def totals(generations: Sequence[Generation], spent: Sequence[float]) -> dict[str, Any]:
    """Counts over all texts; the first token of each comes from the prompt's pass."""
    tokens = sum(each.stats.tokens - 1 for each in generations)
    passes = sum(each.stats.forward_passes for each in generations)
    drafted = sum(each.stats.drafted for each in generations)
    accepted = sum(each.stats.accepted for each in generations)
    worst = min((each.stats.tokens - 1) / max(1, each.stats.forward_passes) for each in generations)
    return {
        "texts": len(generations),
        "tokens": tokens,
        "passes": passes,
        "tokens_per_forward": round(tokens / max(1, passes), 3),
        "worst_tokens_per_forward": round(worst, 3),
        "drafted_per_step": round(drafted / max(1, passes), 2),
        "wasted": round(1 - accepted / drafted, 3) if drafted else 0.0,
        "draft_us_median": round(float(np.median(spent)), 1),
        "draft_us_p99": round(float(np.quantile(spent, 0.99)), 1),
        "decode_s": round(sum(each.stats.decode_s for each in generations), 2),
        "failures": sum(each.stats.draft_failures for each in generations),
        "texts_decoded": [list(each.token_ids) for each in generations],
    }


def with_identical(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The share of texts that equal plain decoding's, instead of the texts."""
    plain = {row["kind"]: row["texts_decoded"] for row in rows if row["drafting"] == "none"}
    compared = []
    for row in rows:
        own = row.pop("texts_decoded")
        equal = [a == b for a, b in zip(own, plain[row["kind"]], strict=True)]
        compared.append(row | {"identical": sum(equal) / len(equal)})
    return compared


def print_table(rows: list[dict[str, Any]]) -> None:
    """The rows for people."""
    print(
        f"{'drafting':10} {'kind':9} {'tok/fwd':>7} {'worst':>6} {'drafted':>7} {'wasted':>6}"
        f" {'us':>6} {'p99':>6} {'s':>6} {'same':>5}"
    )
    for r in rows:
        print(
            f"{r['drafting']:10} {r['kind']:9} {r['tokens_per_forward']:7.3f}"
            f" {r['worst_tokens_per_forward']:6.2f} {r['drafted_per_step']:7.2f}"
            f" {r['wasted']:6.2f} {r['draft_us_median']:6.0f} {r['draft_us_p99']:6.0f}"
            f" {r['decode_s']:6.1f} {r['identical']:5.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
