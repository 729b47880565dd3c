"""What was found out about a model, apart from it: whoever keeps that does not keep the model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from quoth.decoding.config import DecodingConfig
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.models.facts import vocabulary_size_of, window_of
from quoth.decoding.models.support import Support, model_support

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelProfile:
    """Good for one model and configuration, as long as neither is changed.

    `window` is a number of positions, `vocabulary_size` the number of tokens that can be read.
    `cost` goes on learning what passes take.
    """

    window: int
    vocabulary_size: int
    support: Support
    cost: CostCurve

    @classmethod
    def of(cls, model: "PreTrainedModel", config: DecodingConfig) -> Self:
        """Try a model, which is in evaluation mode.

        Raises:
            UnsupportedModelError: No way of decoding gives the model's own logits.
        """
        window, vocabulary_size = window_of(model), vocabulary_size_of(model)
        support = model_support(model, config, window=window, vocabulary_size=vocabulary_size)
        return cls(
            window=window,
            vocabulary_size=vocabulary_size,
            support=support,
            cost=CostCurve(free_rows=support.config.min_rows),
        )
