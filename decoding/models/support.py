"""Can this model be decoded with? Tried once, when a decoder is made, on a few tokens.

A model is believed only if steps with a roll-back between them give the logits of one pass over the
whole text. Models that build their masks in their own way get the key layout of transformers.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from quoth.decoding.config import DecodingConfig
from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.verify import Verifier
from quoth.errors import UnsupportedModelError

_PROMPT, _TEXT = 5, 9  # tokens of the trial: read at once, and in all
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}  # of the logits' range
_COARSE_TOLERANCE = 0.2  # half precision; a wrong cache is off by more


def supported_config(
    model: PreTrainedModel, config: DecodingConfig, *, window: int, vocabulary_size: int
) -> DecodingConfig:
    """The configuration with a key layout that the model can work with.

    Raises:
        UnsupportedModelError: The model's cache cannot be rolled back, or gives other logits.
    """
    text = [(7 * index + 3) % vocabulary_size for index in range(min(_TEXT, window))]
    layouts = [config, replace(config, key_block=0)] if config.key_block else [config]
    problem = ""
    for layout in layouts:
        try:
            problem = _problem(model, layout, text, window)
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
        if not problem:
            return layout
    raise UnsupportedModelError(
        f"The model type {model.config.model_type!r} cannot be decoded with: {problem}. Choose a "
        f"causal language model whose layers all use attention."
    )


@torch.inference_mode()
def _problem(
    model: PreTrainedModel, config: DecodingConfig, text: Sequence[int], window: int
) -> str:
    """What is wrong with decoding `text` in steps; empty if nothing is."""
    whole = model(input_ids=torch.tensor([list(text)], device=model.device)).logits[0].float()
    stepwise = _in_steps(Verifier(model, config, window=window), text)
    error = float((whole[-len(stepwise) :] - stepwise).abs().max())
    spread = float(whole.max() - whole.min())
    if error <= _TOLERANCE.get(model.dtype, _COARSE_TOLERANCE) * max(spread, 1e-6):
        return ""
    return f"after a roll-back its logits are off by {error:.2g} (their range is {spread:.2g})"


def _in_steps(
    verifier: Verifier,
    text: Sequence[int],
) -> Tensor:  # [len(text) - prompt + 1, V]
    """The logits from the end of the prompt on, with a wrong draft rolled back at each token."""
    prompt = min(_PROMPT, len(text) - 1)
    rows = [verifier.prefill(text[:prompt])]
    for position in range(prompt, len(text)):
        wrong = Draft.chain([text[0]] * min(2, verifier.room)) if position % 2 else NO_DRAFT
        rows.append(verifier.verify(text[position], wrong)[:1])
        verifier.keep(position + 1)
    return torch.cat(rows)
