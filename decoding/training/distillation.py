"""Mending transplanted blocks: each token's state is drawn towards MiniLM's (distillation).

MiniLM reads the question and each passage alone and in both directions; the model reads them in one
prompt, forwards only. The two cut text into different tokens: a token of the model is compared with
MiniLM's token that has its last character. States are compared behind MiniLM's own norm, since the
model's norms stand before the layers and its states may have any length.

Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network"; states instead of
outputs as in Romero et al. (2015), "FitNets".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quoth.decoding.training.curriculum import padded_width
from quoth.decoding.training.tokenizer import USER

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from transformers import (
        BertModel,
        NemotronForCausalLM,
        PreTrainedTokenizerBase,
        PreTrainedTokenizerFast,
    )

    from quoth.decoding.training.ranking import RankedQuestion
    from quoth.decoding.training.recipe import MiniRecipe
    from quoth.decoding.training.sentences import Range
    from quoth.decoding.training.sources import Document
    from quoth.decoding.training.steps import Updater

_DOCUMENT_SHARE = 0.5
_MOST_PASSAGES = 3
_CUT_CHARS = (200, 700)
_PASSAGE_CHARS = 800
_RANKED_PASSAGES = 4
_MOST_PIECES = 256  # MiniLM was trained on no more
_LAST_CUT = 900
_FILLER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A prompt without an answer.

    Attributes:
        text: The prompt.
        token_ids: Its tokens.
        offsets: The characters of each token.
        segments: The characters of the question and of each passage.
    """

    text: str
    token_ids: list[int]
    offsets: list[Range]
    segments: list[Range]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherStates:
    """What tokens of a micro-batch should be.

    Attributes:
        rows: Reading of each token, [N].
        places: Its place there, [N].
        states: MiniLM's states of it after each of the layers compared, each [N, 384] float32.
    """

    rows: Tensor
    places: Tensor
    states: list[Tensor]


def draw_texts(
    rng: random.Random, questions: Sequence[RankedQuestion], documents: Sequence[Document]
) -> tuple[str, list[str]]:
    """A question with its passages in any order, or with stretches of a document."""
    asked = rng.choice(questions)
    count = rng.randint(1, _MOST_PASSAGES)
    if documents and rng.random() < _DOCUMENT_SHARE:
        text = rng.choice(documents).text
        cuts = [_cut(text, rng) for _ in range(count)]
        return asked.question, [cut for cut in cuts if cut]
    passages = [passage[:_PASSAGE_CHARS] for passage in asked.passages[:_RANKED_PASSAGES]]
    rng.shuffle(passages)
    return asked.question, passages[:count]


def _cut(text: str, rng: random.Random) -> str:
    begin = text.find(" ", rng.randrange(max(1, len(text) - _LAST_CUT))) + 1
    return text[begin : begin + rng.randint(*_CUT_CHARS)].strip()


def read(question: str, passages: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> Reading:
    """The prompt up to its passages, as tokens."""
    text = f"{USER}Question: "
    segments = []
    for prefix, segment in [
        ("", question),
        *((f"\n\n[{number}] ", passage) for number, passage in enumerate(passages, start=1)),
    ]:
        begin = len(text) + len(prefix)
        segments.append((begin, begin + len(segment)))
        text += prefix + segment
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return Reading(
        text=text,
        token_ids=encoded["input_ids"],
        offsets=encoded["offset_mapping"],
        segments=segments,
    )


def align(
    tokens: Sequence[Range], pieces: Sequence[Range], segment: Range
) -> list[tuple[int, int]]:
    """Pairs of a token of the whole text and the piece of a segment that has its last character.

    ``pieces`` are counted from the segment's beginning; those without characters are MiniLM's
    markers. Worked example: of the text ``"Q: ab c"`` the tokens (0, 2), (2, 5), (5, 7) and, of
    its segment (3, 7), the pieces (0, 0), (0, 1), (1, 2), (3, 4) give ``[(1, 2), (2, 3)]``.
    """
    begin, end = segment
    piece_at = {c: number for number, (s, e) in enumerate(pieces) for c in range(s, e)}
    return [
        (place, piece_at[last - 1 - begin])
        for place, (_, last) in enumerate(tokens)
        if begin < last <= end and last - 1 - begin in piece_at
    ]


def compared_layers(blocks: int) -> tuple[int, ...]:
    """After how many blocks states are compared: half of them and all."""
    return tuple(sorted({max(1, blocks // 2), blocks}))


class Teacher:
    """MiniLM, as far as its first ``blocks`` blocks."""

    def __init__(
        self, model: BertModel, pieces: PreTrainedTokenizerBase, *, blocks: int, device: str
    ) -> None:
        """Keep a frozen model and its tokenizer."""
        frozen: nn.Module = model
        frozen.to(device).requires_grad_(requires_grad=False)
        self._model = model
        self._pieces = pieces
        self._layers = compared_layers(blocks)

    @torch.no_grad()
    def states(self, readings: Sequence[Reading]) -> TeacherStates:
        """MiniLM's states of all tokens that stand in a segment, each segment read alone."""
        owners = [(row, s) for row, reading in enumerate(readings) for s in reading.segments]
        encoded = self._pieces(
            [readings[row].text[slice(*segment)] for row, segment in owners],
            padding=True,
            truncation=True,
            max_length=_MOST_PIECES,
            return_tensors="pt",
            return_offsets_mapping=True,
        )
        device = self._model.device
        with torch.autocast(device.type, torch.bfloat16):
            hidden = self._model(
                input_ids=encoded["input_ids"].to(device),
                attention_mask=encoded["attention_mask"].to(device),
                output_hidden_states=True,
            ).hidden_states
        found = [
            (row, token, number, piece)
            for number, (row, segment) in enumerate(owners)
            for token, piece in align(
                readings[row].offsets, encoded["offset_mapping"][number].tolist(), segment
            )
        ]
        rows, places, numbers, pieces = torch.tensor(found, device=device).reshape(-1, 4).T
        states = [hidden[layer][numbers, pieces].float() for layer in self._layers]
        return TeacherStates(rows=rows, places=places, states=states)

    def losses(self, hidden: Sequence[Tensor], wanted: TeacherStates) -> Tensor:
        """Squared distance to MiniLM's states over their variance, summed over the layers.

        ``hidden`` are the model's states, [B, T, width], before its layers and behind the last.
        """
        total = torch.zeros((), device=wanted.rows.device)
        for layer, target in zip(self._layers, wanted.states, strict=True):
            norm = self._model.get_submodule(f"encoder.layer.{layer - 1}.output.LayerNorm")
            own = hidden[layer][wanted.rows, wanted.places, : target.shape[1]].float()
            distance = (norm(own) - target).square().sum(-1).mean()
            total = total + distance / target.var(0).sum()
        return total


def distillation_loss(
    model: NemotronForCausalLM, teacher: Teacher, readings: Sequence[Reading]
) -> Tensor:
    """How far the model's states of a micro-batch are from MiniLM's, in bfloat16 autocast.

    Rows are padded with whatever token: causal attention never sees it, nothing is compared.
    """
    width = _width(readings)
    rows = [[*r.token_ids, *[_FILLER] * (width - len(r.token_ids))] for r in readings]
    token_ids = torch.tensor(rows, device=model.device)
    wanted = teacher.states(readings)
    with torch.autocast(model.device.type, torch.bfloat16):
        output = model.model(token_ids, output_hidden_states=True, use_cache=False)
    return teacher.losses(output.hidden_states, wanted)


def _width(readings: Sequence[Reading]) -> int:
    return padded_width(max(len(reading.token_ids) for reading in readings))


def distillation_step(
    updater: Updater,
    teacher: Teacher,
    batches: Iterable[Sequence[Reading]],
    recipe: MiniRecipe,
    step: int,
) -> dict[str, float]:
    """Take one step of the first phase; what was measured on the way, in this process."""
    losses, num_tokens = [], 0
    for readings in batches:
        loss = distillation_loss(updater.model, teacher, readings)
        (loss / recipe.streams).backward()  # type: ignore[no-untyped-call]  # torch
        losses.append(loss.item())
        num_tokens += len(readings) * _width(readings)
    rate = recipe.distillation.rate(step)
    norm = updater.step(rate)
    mean = sum(losses) / len(losses)
    return {"loss": mean, "gradient_norm": norm, "rate": rate, "tokens": float(num_tokens)}
