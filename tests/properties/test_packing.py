"""A shared pass gives every bit of the passes that its sequences would have had by themselves."""

from collections.abc import Sequence
from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from helpers.tiny_model import (
    VOCABULARY,
    WINDOW,
    tiny_gpt2,
    tiny_llama,
    tiny_mistral,
    tiny_qwen2,
)
from quoth.decoding import DecodingConfig, Draft
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.packing import Packer
from quoth.decoding.verify import Verifier

CONFIG = DecodingConfig(key_block=32, prefill_chunk=16)
MAKES = {
    "llama": tiny_llama,
    "gpt2": tiny_gpt2,
    "qwen2": tiny_qwen2,
    "mistral": tiny_mistral,  # its window slides
}
MODELS = {f"{name} in float32": make() for name, make in MAKES.items()}
MODELS |= {f"{name} in bfloat16": deepcopy(make()).bfloat16() for name, make in MAKES.items()}
MODELS["llama in float16"] = deepcopy(tiny_llama()).half()
MODELS["llama with sdpa"] = deepcopy(tiny_llama())
MODELS["llama with sdpa"].set_attn_implementation("sdpa")

tokens = st.integers(0, VOCABULARY - 1)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    said = draw(st.lists(tokens, max_size=11))
    forks = draw(st.booleans())
    parents = [draw(st.integers(-1, node - 1)) if forks else node - 1 for node in range(len(said))]
    return Draft(tokens=tuple(said), parents=tuple(parents), origins=(None,) * len(said))


rows = st.tuples(st.lists(tokens, min_size=1, max_size=70), tokens, drafts(), tokens, drafts())


def path(draft: Draft, room: int) -> tuple[Draft, list[int]]:
    """What fits of a draft, and the nodes from the root down to its last one."""
    draft = draft.only(range(min(len(draft), room)))
    nodes: list[int] = []
    node = len(draft) - 1
    while node >= 0:
        nodes.insert(0, node)
        node = draft.parents[node]
    return draft, nodes


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(MODELS)), st.lists(rows, min_size=1, max_size=6))
def test_shared_passes_give_the_bits_of_own_ones(name: str, batch: Sequence[tuple]) -> None:
    """Two passes, so that the keys that the first one leaves behind are seen too."""
    model = MODELS[name]
    packer = Packer(model, min_rows=CONFIG.min_rows)
    own = [Verifier(model, CONFIG, window=WINDOW, packer=packer) for _ in batch]
    shared = [Verifier(model, CONFIG, window=WINDOW) for _ in batch]
    for prompt, one, other in zip((row[0] for row in batch), own, shared, strict=True):
        assert torch.equal(one.prefill(prompt), other.prefill(prompt))
    lengths = [len(row[0]) for row in batch]
    for last, draft in ((1, 2), (3, 4)):
        steps = [
            (row[last], *path(row[draft], one.room)) for row, one in zip(batch, own, strict=True)
        ]
        mine = [one.verify(*step[:2]) for one, step in zip(own, steps, strict=True)]
        ours = packer.logits(
            [other.part(*step[:2]) for other, step in zip(shared, steps, strict=True)]
        )
        assert all(torch.equal(*pair) for pair in zip(mine, ours, strict=True))
        for at, (_, _, nodes) in enumerate(steps):
            own[at].keep(lengths[at] + 1, nodes)
            shared[at].keep(lengths[at] + 1, nodes)
            lengths[at] += 1 + len(nodes)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(MODELS)), rows)
def test_branches_have_the_bits_of_texts_without_branches(name: str, row: tuple) -> None:
    """Two passes: the second one sees the keys that a branch of the first one left behind."""
    model = MODELS[name]
    packer = Packer(model, min_rows=CONFIG.min_rows)
    prompt, *steps = row
    forked = Verifier(model, CONFIG, window=WINDOW, packer=packer)
    forked.prefill(prompt)
    text = list(prompt)
    for last, drafted in zip(steps[::2], steps[1::2], strict=True):
        draft, kept = path(drafted, forked.room)
        logits = forked.verify(last, draft)
        for way in draft.paths:
            plain = read(model, prompt, text)
            branch = plain.verify(last, Draft.chain([draft.tokens[node] for node in way]))
            assert torch.equal(logits[[0, *(node + 1 for node in way)]], branch)
        forked.keep(len(text) + 1, kept)
        text += [last, *(draft.tokens[node] for node in kept)]


def read(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int]) -> Verifier:
    """A verifier that has read the prompt and then, one by one, the rest of the text."""
    verifier = Verifier(model, CONFIG, window=WINDOW)
    verifier.prefill(prompt)
    for place, token in enumerate(text[len(prompt) :], start=len(prompt) + 1):
        verifier.verify(token, NO_DRAFT)
        verifier.keep(place)
    return verifier


def test_a_model_with_attention_of_its_own_is_found_out() -> None:
    model = deepcopy(tiny_llama())
    model.config._attn_implementation = "flex_attention"
    with pytest.raises(ValueError, match="'flex_attention'"):
        Packer(model, min_rows=4)
