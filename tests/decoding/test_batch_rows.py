"""How the rows of a batch come and go, what they share, and what they do not."""

import threading
from collections.abc import Sequence
from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LogitsProcessor, LogitsProcessorList

from helpers.tiny_architectures import tiny_model
from helpers.tiny_model import VOCABULARY, WINDOW, tiny_llama
from quoth.decoding import Decoder, DecodingConfig, Draft, Reference
from quoth.decoding.batch import shared
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.mixing import Proposal
from quoth.decoding.verify import Verifier
from quoth.errors import ConfigError, ContextOverflowError, InputError, NoTokenError

PROMPTS = [[1, 2, 3], [4] * 40, [5, 6], [7] * 9, [8, 9] * 5]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(tiny_llama(), config=DecodingConfig(max_rows=2, key_block=32))


def test_rows_join_when_others_leave(decoder):
    live: set[int] = set()
    order = []
    lengths = dict.fromkeys(range(len(PROMPTS)), 0)
    for number, step in decoder.stream_batch(PROMPTS, max_new_tokens=9, eos_token_ids=()):
        if not lengths[number]:
            order.append(number)
            live.add(number)
        assert number in live
        assert len(live) <= 2
        lengths[number] += len(step.token_ids)
        if step.finish_reason is not None:
            live.remove(number)
    assert order == sorted(order)
    assert set(lengths.values()) == {9}


def test_a_batch_may_be_empty_or_a_single_row(decoder):
    assert decoder.generate_batch([]) == []
    (row,) = decoder.generate_batch([[1, 2]], max_new_tokens=9)
    assert row.token_ids == decoder.generate([1, 2], max_new_tokens=9).token_ids
    assert row.stats.shared_passes == 0


def test_a_closed_stream_reads_no_further_prompt(decoder):
    calls = []
    hook = decoder.model.register_forward_hook(lambda *_: calls.append(1))
    steps = decoder.stream_batch(PROMPTS, max_new_tokens=9)
    next(steps)
    steps.close()
    hook.remove()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ([], InputError, "Row 2 of the batch: The prompt is empty"),
        ([64], InputError, r"Row 2 of the batch: The prompt holds .* of 64: 64\."),
        ([1.5], InputError, "Row 2 of the batch: .* flat sequence of integers"),
        ([1] * WINDOW, ContextOverflowError, "Row 2 of the batch needs 257 tokens"),
    ],
)
def test_a_bad_row_is_named_before_anything_is_decoded(decoder, row, error, message):
    calls = []
    hook = decoder.model.register_forward_hook(lambda *_: calls.append(1))
    with pytest.raises(error, match=message):
        decoder.stream_batch([[1], [2], row, [3]])
    hook.remove()
    assert not calls


def test_bad_references_and_settings_are_named_too(decoder):
    with pytest.raises(InputError, match="Row 1 of the batch: The reference 'r'"):
        decoder.stream_batch([[1], [2]], [[], [Reference("r", [99])]])
    with pytest.raises(ConfigError, match="temperature is -1"):
        decoder.stream_batch([[1], [2]], temperature=-1)
    with pytest.raises(ConfigError, match="no drafting 'magic'"):
        decoder.stream_batch([[1], [2]], drafting="magic")


class NeverTwiceInARow(LogitsProcessor):
    """Keeps the last best token itself; shared among rows it would forbid others' tokens."""

    def __init__(self) -> None:
        self.forbidden: list[int] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        scores[:, self.forbidden] = -torch.inf
        self.forbidden.append(int(scores.argmax()))
        return scores


def test_each_row_has_a_logits_processor_of_its_own(decoder):
    def processors() -> LogitsProcessorList:
        return LogitsProcessorList([NeverTwiceInARow()])

    given = processors()
    rows = decoder.generate_batch(
        PROMPTS, logits_processor=given, max_new_tokens=20, eos_token_ids=()
    )
    for prompt, row in zip(PROMPTS, rows, strict=True):
        single = decoder.generate(
            prompt, logits_processor=processors(), max_new_tokens=20, eos_token_ids=()
        )
        assert row.token_ids == single.token_ids
        assert len(set(row.token_ids)) == 20
    assert not given[0].forbidden


def test_an_error_on_the_way_says_in_which_row(decoder):
    def forbid_all_after_a_seven(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return scores - torch.inf if ids[0, 0] == 7 else scores

    with pytest.raises(NoTokenError, match="No token can be") as caught:
        decoder.generate_batch(
            PROMPTS,
            temperature=1.0,
            logits_processor=LogitsProcessorList([forbid_all_after_a_seven]),
        )
    assert caught.value.__notes__ == ["This was row 3 of the batch."]


def test_the_model_stays_as_it_is(decoder):
    before = {name: dict(vars(module)) for name, module in decoder.model.named_modules()}
    settings = deepcopy(decoder.model.config.to_dict())
    decoder.generate_batch(PROMPTS, max_new_tokens=5)
    assert decoder.model.config._attn_implementation == "eager"
    assert decoder.model.config.to_dict() == settings
    for name, module in decoder.model.named_modules():
        for key, value in vars(module).items():
            assert value is before[name][key]


def test_threads_may_share_a_decoder(decoder):
    asked = {"max_new_tokens": 25, "eos_token_ids": ()}
    expected = [decoder.generate(prompt, **asked).token_ids for prompt in PROMPTS]
    found: dict[int, list[tuple[int, ...]]] = {}

    def work(number: int) -> None:
        order = PROMPTS[number:] + PROMPTS[:number]
        rows = (
            [decoder.generate(prompt, **asked) for prompt in order]
            if number % 2
            else decoder.generate_batch(order, **asked)
        )
        tokens = [row.token_ids for row in rows]
        found[number] = tokens[-number:] + tokens[:-number] if number else tokens

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(4)] == [expected] * 4


@pytest.mark.slow  # threads that wait for each other on a busy machine
def test_passes_of_every_width_give_the_bits_of_plain_ones_with_two_threads():
    """With more than one thread the row that is left over behind four or eight was another's."""
    text = [(7 * place + 3) % VOCABULARY for place in range(40)]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        verifier = Verifier(tiny_llama(), DecodingConfig(), window=WINDOW)
        verifier.prefill(text[:20])
        wide = []
        for width in (6, 9):
            wide.append(verifier.verify(text[20], Draft.chain(text[21 : 20 + width])))
            verifier.keep(20)
        for place in range(20, 29):
            plain = verifier.verify(text[place], NO_DRAFT)[0]
            verifier.keep(place + 1)
            beside = [rows[place - 20] for rows in wide if place - 20 < len(rows)]
            assert all(torch.equal(row, plain) for row in beside)
    finally:
        torch.set_num_threads(threads)


def proposal(chances: Sequence[float], parents: Sequence[int] | None = None) -> Proposal:
    tokens = tuple(range(len(chances)))
    return Proposal(
        draft=Draft(
            tokens=tokens,
            parents=tuple(range(-1, len(tokens) - 1)) if parents is None else tuple(parents),
            origins=(None,) * len(tokens),
            chances=tuple(chances),
        ),
        makers=tuple(f"drafter of {token}" for token in tokens),
    )


class Free(CostCurve):
    """All passes cost the same."""

    def __init__(self) -> None:
        super().__init__(free_rows=1000)


def test_the_likeliest_guesses_of_all_rows_share_the_width():
    wishes = [proposal([0.9, 0.8, 0.1]), proposal([0.3, 0.2]), Proposal()]
    shares = shared(wishes, most=3, cost=Free())
    assert [own.draft.tokens for own in shares] == [(0, 1), (0,), ()]
    assert shares[0].makers == ("drafter of 0", "drafter of 1")
    assert shared(wishes, most=5, cost=Free()) == wishes
    assert [len(own.draft) for own in shared(wishes, most=0, cost=Free())] == [0, 0, 0]


def test_a_guess_must_pay_and_pays_less_the_more_rows_there_are():
    guesses = [0.9, 0.6, 0.3, 0.2, 0.15, 0.1, 0.05]
    drafted = []
    for rows in (1, 2, 4, 8, 16):
        cost = CostCurve(free_rows=max(rows, 4))
        for tokens in [rows, rows + 4, rows + 12, rows + 24] * 40:
            cost.observe(tokens, 0.008 + 0.001 * tokens)
        shares = shared([proposal(guesses)] * rows, most=99, cost=cost)
        drafted.append(sum(len(own.draft) for own in shares) / rows)
    assert drafted == sorted(drafted, reverse=True)
    assert drafted[-1] < drafted[0]


def test_without_chances_the_rows_get_equal_shares():
    wishes = [
        Proposal(draft=Draft.chain([1] * length), makers=("x",) * length) for length in (9, 9, 2)
    ]
    assert [len(own.draft) for own in shared(wishes, most=9, cost=Free())] == [4, 3, 2]


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), max_size=8), min_size=1, max_size=4
    ),
    st.integers(0, 12),
)
def test_what_is_left_of_a_tree_is_a_tree(rows, most):
    wishes = [
        proposal([c for c, _ in row], [min(up, node) - 1 for node, (_, up) in enumerate(row)])
        for row in rows
    ]
    shares = shared(wishes, most=most, cost=Free())
    assert sum(len(own.draft) for own in shares) == min(most, sum(map(len, rows)))
    for wish, own in zip(wishes, shares, strict=True):
        kept = list(own.draft.tokens)  # tokens are node numbers
        assert [wish.draft.parents[node] for node in kept] == [
            kept[parent] if parent >= 0 else -1 for parent in own.draft.parents
        ]


@pytest.mark.parametrize(
    ("model_type", "problem"),
    [
        ("mamba", "more than keys and values"),
        ("bloom", "cannot read several texts in one pass"),
    ],
)
def test_models_whose_rows_cannot_share_passes_say_why(model_type, problem):
    decoder = Decoder(tiny_model(model_type, dtype=torch.bfloat16))
    rows = decoder.generate_batch(PROMPTS, max_new_tokens=6)
    assert not decoder.batches_rows
    assert problem in decoder.batch_problem
    for prompt, row in zip(PROMPTS, rows, strict=True):
        assert row.token_ids == decoder.generate(prompt, max_new_tokens=6).token_ids
        assert row.stats.shared_passes == 0


def test_positions_that_are_scaled_by_the_longest_text_are_not_shared():
    model = deepcopy(tiny_llama())
    model.config.rope_parameters = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    assert "longest text" in (Decoder(model).batch_problem or "")
