"""Losses of heads: they are those of the model's own attention, and hopeless ones teach nothing."""

import pytest
import torch
from transformers import NemotronForCausalLM

from quoth.decoding.training.encoding import EncodedExample, Pointer
from quoth.decoding.training.initialise import mini_config
from quoth.decoding.training.pointers import head_scores, pad, pointer_loss
from quoth.decoding.training.steps import Trainee
from quoth.decoding.training.subspaces import CHOOSE_PASSAGE, CHOOSE_SENTENCE, COPIES, COPY, POINTED

_TURNING = 16


def _encoded(num_tokens: int, *pointers: Pointer) -> EncodedExample:
    weights = [0.0] * (num_tokens - 2) + [1.0, 2.0]
    ids = list(range(5, 5 + num_tokens))
    return EncodedExample(
        token_ids=ids, weights=weights, pointers=pointers, num_prompt=num_tokens - 2
    )


_EXAMPLES = (
    _encoded(
        30,
        Pointer(head=CHOOSE_PASSAGE, query=27, keys=(3, 4, 5)),
        Pointer(head=COPY, query=28, keys=(9,)),
    ),
    _encoded(70, Pointer(head=CHOOSE_PASSAGE, query=67, keys=(1,))),
)


def test_rows_are_padded_and_pointers_keep_their_row() -> None:
    batch = pad(_EXAMPLES, 0)
    assert batch.token_ids.shape == batch.weights.shape == (2, 128)
    assert batch.token_ids[0, 30:].tolist() == [0] * 98
    assert batch.weights.sum() == 6
    choice = batch.pointers[POINTED.index(CHOOSE_PASSAGE)]
    assert choice.rows.tolist() == [0, 1]
    assert choice.queries.tolist() == [27, 67]
    assert choice.owners.tolist() == [0, 0, 0, 1]
    assert choice.keys.tolist() == [3, 4, 5, 1]
    assert not len(batch.pointers[POINTED.index(CHOOSE_SENTENCE)].rows)
    for head in COPIES:
        assert batch.pointers[POINTED.index(head)].keys.tolist() == [9]


@torch.no_grad()
def test_scores_are_those_of_the_models_attention() -> None:
    torch.manual_seed(0)
    model = NemotronForCausalLM(mini_config(100, blocks=1)).eval()
    model.set_attn_implementation("eager")
    attention = model.model.layers[-1].self_attn
    for head in POINTED:
        attention.q_proj.weight[head * 48 : head * 48 + _TURNING] = 0.0
    trainee, batch = Trainee(model), pad(_EXAMPLES, 0)
    read = trainee.read(batch)
    attended = model(batch.token_ids, output_attentions=True).attentions[-1]
    for head, targets in zip(POINTED, batch.pointers, strict=True):
        scores = head_scores(attention, read.normed, head, targets)
        own = attended[targets.rows, head, targets.queries]
        torch.testing.assert_close(scores.softmax(-1), own)
        expected = [-own[n, targets.keys[targets.owners == n]].sum().log() for n in range(len(own))]
        wanted = torch.stack(expected).mean() if expected else torch.tensor(0.0)
        torch.testing.assert_close(pointer_loss(scores, targets), wanted)
    assert read.targets.tolist() == [33, 34, 73, 74]
    assert read.weights.tolist() == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize(("score", "learns"), [(10.0, True), (40.0, False)])
def test_what_is_out_of_reach_teaches_nothing(score: float, learns: bool) -> None:
    batch = pad([_encoded(10, Pointer(head=CHOOSE_PASSAGE, query=7, keys=(2,)))], 0)
    targets = batch.pointers[POINTED.index(CHOOSE_PASSAGE)]
    scores = torch.zeros(1, 64)
    scores[0, 5] = score
    scores.requires_grad_()
    loss = pointer_loss(scores, targets)
    loss.backward()
    assert loss.item() == pytest.approx(min(score, 15.0), abs=0.01)
    assert bool(scores.grad.any()) == learns
