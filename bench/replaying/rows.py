"""Recorded answers as tokens.

The protocol, found by trying which one gives the published figures of the peers best:

- The prompt is the earlier turns, the passages, then the question, each followed by an empty line;
  no template. Passages are tokenised one by one, so each stands in the prompt token for token.
- The answer is tokenised alone, without a space before it, and ends with the tokenizer's EOS, which
  must be generated like any other token. Nothing is cut off; all rows count.
- The first token comes with the prompt. Tokens per forward pass are all later tokens of all rows of
  a column, divided by all their passes: long answers weigh more than short ones.
- A drafter does not know where the answer ends, so the last draft may reach beyond it.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2Tokenizer

from quoth.decoding import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One recorded answer.

    `group` names everything that may share text with it; rows are split by it, never within.
    """

    id: str
    source: str
    task: str
    group: str
    prompt: tuple[int, ...]
    references: tuple[Reference, ...]
    answer: tuple[int, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the table's columns that it counts in."""
        return ("all", self.source, f"{self.source}/{self.task}")


def load_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """A tokenizer from a folder, or from PATH_vocab.json and PATH_merges.txt as Qwen2's.

    Raises:
        FileNotFoundError: Neither is there.
    """
    vocabulary, merges = Path(f"{path}_vocab.json"), Path(f"{path}_merges.txt")
    if Path(path).is_dir():
        loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path)
        return loaded
    if not vocabulary.is_file():
        raise FileNotFoundError(f"{path} is no folder, and there is no {vocabulary}")
    return Qwen2Tokenizer(vocab=str(vocabulary), merges=str(merges))


def load_rows(path: Path, tokenizer: PreTrainedTokenizerBase) -> list[Row]:
    """The rows of a file of JSON lines, packed with gzip or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return list(_rows(records, tokenizer))


def padded(row: Row, others: Sequence[Row], tokens: int) -> Row:
    """The row with passages of other groups before its own, up to so many tokens of references.

    Raises:
        ValueError: The others have too few passages.
    """
    fillers: dict[tuple[int, ...], None] = {}  # each passage once
    length = sum(len(reference.token_ids) for reference in row.references)
    for other in others:
        for reference in other.references if other.group != row.group else ():
            passage = tuple(reference.token_ids)[: max(0, tokens - length)]
            if passage and passage not in fillers:
                fillers[passage] = None
                length += len(passage)
    if length < tokens:
        raise ValueError(f"all passages have {length} tokens together, less than {tokens}")
    references = [Reference(f"other {place}", passage) for place, passage in enumerate(fillers)]
    return replace(
        row,
        prompt=tuple(token for passage in fillers for token in passage) + row.prompt,
        references=(*references, *row.references),
    )


def _rows(records: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase) -> Iterator[Row]:
    end = tokenizer.eos_token_id
    assert isinstance(end, int), "the tokenizer has one EOS"

    def encoded(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    gap = encoded("\n\n")
    for record in records:
        passages = [encoded(text) for text in record["contexts"]]
        turns = [encoded(text) for _, text in record.get("history") or []]
        parts = [*turns, *passages, encoded(record["question"])]
        yield Row(
            id=record["id"],
            source=record["source"],
            task=record["task"],
            group=f"{record['source']}:{record['group']}",
            prompt=tuple(token for part in parts for token in (*part, *gap)),
            references=tuple(
                Reference(str(number), tuple(passage)) for number, passage in enumerate(passages)
            ),
            answer=(*encoded(record["response"]), end),
        )
