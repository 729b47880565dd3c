"""The jacobi drafter: the iteration converges, and never takes more passes than plain decoding."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from helpers.tiny_model import VOCABULARY
from quoth.decoding import Decoder, DecodingConfig, Draft, Outcome
from quoth.decoding.acceptance import follow
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.jacobi import JacobiDrafter
from quoth.errors import ConfigError


def toy_model(seed, reach):
    """What a made-up model says next: a number made of the position and the last few tokens."""

    def says(prefix):
        tail = prefix[-reach:] if reach else []
        return hash((seed, len(prefix), *tail)) % 50

    return says


def paths(draft, prefix):
    """The prefix that each row of a pass over this draft sees."""
    seen = [list(prefix)]
    for token, parent in zip(draft.tokens, draft.parents, strict=True):
        seen.append([*seen[parent + 1], token])
    return seen


def solve(says, prompt, length, window, config):
    """Decode with this drafter alone: the text, and the number of new tokens at each pass."""
    session = JacobiDrafter(config, window).start(prompt, [])
    text, draft, gained = list(prompt), NO_DRAFT, []
    while len(text) < len(prompt) + length:
        said = [says(prefix) for prefix in paths(draft, text)]
        accepted = follow(draft, lambda node, said=said: said[node + 1], lambda _token: False)
        predicted = np.array([[best, (best + 1) % 50, (best + 2) % 50] for best in said])
        session.observe(
            Outcome(
                token_ids=accepted.tokens,
                draft=draft,
                accepted=accepted.nodes,
                predicted=predicted,
            )
        )
        text += accepted.tokens
        gained.append(len(accepted.tokens))
        draft = session.propose(window - 1)
    return text, gained


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(0, 4),
    st.sampled_from([2, 4, 8, 16]),
    st.lists(st.integers(0, 49), min_size=1, max_size=5),
    st.booleans(),
)
def test_n_tokens_take_at_most_n_passes_and_are_those_of_plain_decoding(
    seed, reach, window, prompt, forks
):
    says = toy_model(seed, reach)
    config = DecodingConfig(min_survival=0.0, forks=forks)
    text, gained = solve(says, prompt, 40, window, config)
    for position in range(len(prompt), len(text)):
        assert text[position] == says(text[:position])
    ends = np.cumsum(gained)
    for first in range(len(gained)):
        inside = np.count_nonzero(ends - ends[first] + gained[first] <= window) - first
        assert inside <= window
    assert len(gained) <= len(text) - len(prompt)
    assert min(gained) >= 1


@pytest.mark.parametrize("window", [4, 8])
@pytest.mark.parametrize("seed", range(5))
def test_a_place_that_does_not_depend_on_the_others_is_right_after_one_pass(seed, window):
    """Where tokens depend on their positions alone, one iteration solves the whole window."""
    config = DecodingConfig(min_survival=0.0, forks=False)
    _, gained = solve(toy_model(seed, reach=0), [1, 2, 3], 20 * window, window, config)
    assert len(gained) <= 2 * 20 * window / (window + 1) + 5


def test_the_longest_branch_behind_the_right_tokens_is_read():
    session = JacobiDrafter(DecodingConfig()).start([1], [])
    tree = Draft(tokens=(2, 9, 8, 7, 5), parents=(-1, -1, 0, 2, 1), origins=(None,) * 5)
    predicted = np.array([[2] * 3, [3] * 3, [20] * 3, [4, 40, 41], [6, 60, 61], [30] * 3])
    session.observe(Outcome(token_ids=(2, 3), draft=tree, accepted=(0,), predicted=predicted))
    draft = session.propose(7)
    assert draft.first_chain().tokens[:2] == (4, 6)


def test_a_window_has_at_least_two_tokens():
    with pytest.raises(ConfigError, match="window is 1"):
        JacobiDrafter(window=1)


def test_a_real_model_that_looks_at_positions_only_is_solved_in_blocks():
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=64,
        n_layer=1,
        n_head=4,
        n_positions=256,
        tie_word_embeddings=False,
        eos_token_id=None,
        bos_token_id=None,
        attn_implementation="eager",
    )
    model = GPT2LMHeadModel(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.3, generator=generator)
            if "wte" in name or "attn" in name:
                weight.zero_()
    decoder = Decoder(model)
    plain = decoder.generate([1, 2, 3], max_new_tokens=100, drafting="none", eos_token_ids=())
    drafted = decoder.generate([1, 2, 3], max_new_tokens=100, drafting="jacobi", eos_token_ids=())
    assert drafted.token_ids == plain.token_ids
    assert len(set(plain.token_ids)) > 10
    assert drafted.stats.forward_passes < plain.stats.forward_passes / 2
