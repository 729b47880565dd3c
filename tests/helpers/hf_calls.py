"""Calls of `generate` with and without the engine, on prompts of several lengths."""

import torch

from helpers.tiny_model import VOCABULARY
from quoth.decoding import hf_generate

EOS, PAD = 7, 0
GREEDY = {"do_sample": False, "pad_token_id": PAD}


def padded(lengths: list[int], seed: int) -> dict[str, torch.Tensor]:
    """Random prompts as a batch that is padded on the left."""
    generator = torch.Generator().manual_seed(seed)
    width = max(lengths)
    ids = torch.randint(1, VOCABULARY, (len(lengths), width), generator=generator)
    mask = torch.tensor([[0] * (width - n) + [1] * n for n in lengths])
    return {"input_ids": ids * mask, "attention_mask": mask}


def both(model, inputs, **options):
    plain = model.generate(**inputs, **options)
    return plain, model.generate(**inputs, **options, custom_generate=hf_generate)
