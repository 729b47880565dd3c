"""The engine inside `model.generate` of transformers: `quoth.decoding.hf_generate`."""
