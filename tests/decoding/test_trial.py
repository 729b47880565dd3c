"""What the trial of a model takes for rounding, and what for a failed roll-back."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import pytest
from torch import Tensor
from transformers import PreTrainedModel

from helpers.tiny_architectures import tiny_model
from quoth.decoding import DecodingConfig, Draft
from quoth.decoding.models.trial import TEXT_LENGTH, one_pass, problem_of
from quoth.decoding.verify import Verifier

WINDOW = 64
TEXT = [(7 * place + 3) % 90 for place in range(TEXT_LENGTH)]


class Off:
    """A verifier that is off by a tenth of the range at some positions, whatever was drafted."""

    def __init__(self, model: PreTrainedModel, *, is_off: Callable[[int], bool]) -> None:
        self._verifier = Verifier(model, DecodingConfig(), window=WINDOW)
        self._is_off = is_off
        self._length = 0

    @property
    def room(self) -> int:
        return self._verifier.room

    def prefill(self, prompt_ids: Sequence[int]) -> Tensor:
        self._length = len(prompt_ids)
        return self._verifier.prefill(prompt_ids)

    def verify(self, last: int, draft: Draft) -> Tensor:
        logits = self._verifier.verify(last, draft).clone()
        for row in range(len(logits)):
            if self._is_off(self._length + row):
                logits[row, 5] += 0.1 * (logits[row].max() - logits[row].min())
        return logits

    def keep(self, length: int, nodes: Sequence[int] = ()) -> None:
        self._length = length + len(nodes)
        self._verifier.keep(length, nodes)


@pytest.mark.parametrize(
    ("kind", "every", "is_believed"),
    [
        ("mixtral", 4, True),  # as if rounding had routed some tokens to other experts
        ("mixtral", 1, False),
        ("llama", 4, False),  # which has no experts
    ],
)
def test_large_errors_in_few_rows_are_forgiven_where_experts_explain_them(kind, every, is_believed):
    model = deepcopy(tiny_model(kind)).bfloat16()
    yardstick = one_pass(model, TEXT, window=WINDOW)
    problem = problem_of(
        model, lambda: Off(model, is_off=lambda place: place % every == 0), yardstick
    )
    assert (problem == "") == is_believed
