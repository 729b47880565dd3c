"""Training leaves the circuits alone."""

import copy

import torch
from transformers import NemotronForCausalLM

from helpers.small_mini import QUESTION, ids_of, prompt, small_model, small_tokenizer
from quoth.decoding.training.answering import RELEVANCE
from quoth.decoding.training.copying import COPY_PARTS
from quoth.decoding.training.frozen import recentre, train_only_the_rest, trained
from quoth.decoding.training.heads import view_head
from quoth.decoding.training.subspaces import (
    CHOOSE_PASSAGE,
    CIRCUITS,
    COPIES,
    MEANING,
    SECOND_WORD,
    WORD,
)
from quoth.decoding.training.tokenizer import MARKERS, SPECIAL_TOKENS
from quoth.decoding.training.tokenizer import QUESTION as QUESTION_MARKER

_BLOCKS = ("model.layers.0.", "model.layers.1.")


@torch.enable_grad()
def _stepped(model: NemotronForCausalLM) -> NemotronForCausalLM:
    """A copy after one step of AdamW."""
    stepped = copy.deepcopy(model)
    train_only_the_rest(stepped)
    optimizer = torch.optim.AdamW(stepped.parameters(), lr=1e-3, weight_decay=0.0)
    ids = torch.tensor([ids_of(prompt(QUESTION, ["A small ferry.", "The old mill."]))])
    stepped(ids, labels=ids).loss.backward()
    optimizer.step()
    return stepped


@torch.no_grad()
def test_a_step_changes_all_but_the_circuits() -> None:
    model = small_model(2)
    stepped = _stepped(model)
    changed = {
        name: before != after
        for (name, before), after in zip(
            model.named_parameters(), stepped.parameters(), strict=True
        )
    }
    for name, mask in trained(model).items():
        assert not changed[name][mask == 0].any(), name
    assert all(where.any() for name, where in changed.items() if name.startswith(_BLOCKS))
    block, last = changed["model.layers.0.mlp.up_proj.weight"], 2
    assert float(block[:, MEANING].float().mean()) > 0.9
    embedding = changed["model.embed_tokens.weight"]
    assert not embedding[:, CIRCUITS].any()
    assert float(embedding[len(SPECIAL_TOKENS) : -len(MARKERS) - 1, MEANING].float().mean()) > 0.9
    for layer, number in ((0, 12), (0, 15), (1, 13), (last, 3)):
        before, after = (view_head(m, layer=layer, number=number) for m in (model, stepped))
        assert torch.equal(before.query, after.query)
        assert torch.equal(before.value, after.value)
        assert torch.equal(before.out, after.out)
    for number in COPIES:
        before, after = (view_head(m, layer=last, number=number) for m in (model, stepped))
        assert not torch.equal(before.query[COPY_PARTS, WORD], after.query[COPY_PARTS, WORD])
        assert torch.equal(before.query[-1], after.query[-1])
    for number in (CHOOSE_PASSAGE, SECOND_WORD):
        before, after = (view_head(m, layer=last, number=number) for m in (model, stepped))
        assert not torch.equal(before.key[RELEVANCE, MEANING], after.key[RELEVANCE, MEANING])
        assert torch.equal(before.key[RELEVANCE, CIRCUITS], after.key[RELEVANCE, CIRCUITS])


@torch.no_grad()
def test_what_is_written_into_minilms_part_has_no_mean_again() -> None:
    stepped = _stepped(small_model(2))
    assert float(_means(stepped).abs().max()) > 1e-4
    recentre(stepped)
    assert float(_means(stepped).abs().max()) < 1e-6


def _means(model: NemotronForCausalLM) -> torch.Tensor:
    means = [model.model.embed_tokens.weight[:, MEANING].mean(1)]
    for layer in model.model.layers:
        for written in (layer.self_attn.o_proj, layer.mlp.down_proj):
            means += [written.weight[MEANING].mean(0), written.bias[MEANING].mean(0, keepdim=True)]
    return torch.cat(means)


def test_special_tokens_stand_first_and_markers_last() -> None:
    tokenizer = small_tokenizer()
    size = len(tokenizer)
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(range(4))
    last = [*MARKERS, QUESTION_MARKER]
    assert tokenizer.convert_tokens_to_ids(last) == list(range(size - len(last), size))
