"""Where heads look on held-out questions, and which copied tokens come out right.

The right tokens stand before (teacher forcing), so this is quick and shows which part is weak; what
counts is free generation (``evaluation``), where one wrong choice spoils an answer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from quoth.decoding.training.encoding import encode
from quoth.decoding.training.pointers import head_scores, pad
from quoth.decoding.training.subspaces import CHOOSE_PASSAGE, COPY, POINTED
from quoth.decoding.training.tokenizer import MARKERS, QUESTION, USER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from quoth.decoding.training.encoding import EncodedExample
    from quoth.decoding.training.examples import Example
    from quoth.decoding.training.steps import Trainee


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerScores:
    """Shares between 0 and 1; None of nothing.

    Attributes:
        passage: Questions answered by a passage for which the first head's best key lies in it.
        sentence: The same for the quote itself.
        turn: Questions answered by an earlier turn for which it lies in the quote.
        refused: Unanswerable questions for which it is a user's marker.
        falsely_refused: Answerable ones for which it is that.
        copied: Tokens that follow a copied one which are predicted.
    """

    passage: float | None
    sentence: float | None
    turn: float | None
    refused: float | None
    falsely_refused: float | None
    copied: float | None

    def measured(self) -> dict[str, float]:
        """What there is, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@torch.no_grad()
def point(
    trainee: Trainee, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]
) -> PointerScores:
    """Measure on examples, one at a time."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for example in examples:
        encoded = encode(example, tokenizer)
        batch = pad([encoded], tokenizer.pad_token_id).to(trainee.device)
        with torch.autocast(trainee.device.type, torch.bfloat16):
            read = trainee.read(batch)
        targets = batch.pointers[POINTED.index(CHOOSE_PASSAGE)]
        scores = head_scores(trainee.last_layer.self_attn, read.normed, CHOOSE_PASSAGE, targets)
        chosen = int(scores[0].argmax())
        for name, hit in _chosen(example, encoded, chosen, tokenizer.get_vocab()).items():
            hits[name].append(hit)
        is_right = (read.logits.argmax(-1) == read.targets).tolist()
        hits["copied"] += [is_right[place] for place in _copied_places(encoded)]
    shares = {name: sum(values) / len(values) for name, values in hits.items() if values}
    return PointerScores(**{name: shares.get(name) for name in PointerScores.__slots__})


def _chosen(
    example: Example, encoded: EncodedExample, chosen: int, vocabulary: Mapping[str, int]
) -> dict[str, bool]:
    """What the key that was chosen at the assistant's marker says."""
    ids = encoded.token_ids
    is_refusal = ids[chosen] == vocabulary[USER]
    if not example.quotes:
        return {"refused": is_refusal}
    (right,) = [pointer.keys for pointer in encoded.pointers if pointer.head == CHOOSE_PASSAGE]
    if example.quotes[0].turn is not None:
        return {"falsely_refused": is_refusal, "turn": chosen in right}
    borders = {vocabulary[name] for name in (*MARKERS, QUESTION)}
    between = ids[min(chosen, right[0]) + 1 : max(chosen, right[0]) + 1]
    in_passage = not is_refusal and not borders & set(between)
    return {"falsely_refused": is_refusal, "passage": in_passage, "sentence": chosen in right}


def _copied_places(encoded: EncodedExample) -> list[int]:
    """Which of the answer's tokens, counted from its first, follow a copied token."""
    return [
        pointer.query + 1 - encoded.num_prompt
        for pointer in encoded.pointers
        if pointer.head == COPY
    ]
