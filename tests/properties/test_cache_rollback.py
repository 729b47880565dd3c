"""Whatever was appended and rolled back: the logits are those of reading the text that is left."""

import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.tiny_model import VOCABULARY, WINDOW, tiny_gpt2, tiny_llama, tiny_mistral, tiny_mpt
from quoth.decoding import DecodingConfig, Draft
from quoth.decoding.models.support import model_support
from quoth.decoding.verify import Verifier

MODELS = {"llama": tiny_llama, "gpt2": tiny_gpt2, "mistral": tiny_mistral, "mpt": tiny_mpt}
tokens = st.integers(0, VOCABULARY - 1)


class RollBack(RuleBasedStateMachine):
    """Appends drafts and keeps any part of them; a small key block makes borders frequent."""

    @initialize(
        name=st.sampled_from(sorted(MODELS)), prompt=st.lists(tokens, min_size=1, max_size=40)
    )
    def read_prompt(self, name: str, prompt: list[int]) -> None:
        self.model = MODELS[name]()
        config = model_support(
            self.model,
            DecodingConfig(key_block=24, max_draft_tokens=20, prefill_chunk=7),
            window=WINDOW,
            vocabulary_size=VOCABULARY,
        ).config
        self.verifier = Verifier(self.model, config, window=WINDOW)
        self.logits = self.verifier.prefill(prompt)[-1]
        self.text = prompt

    @rule(last=tokens, drafted=st.lists(tokens, max_size=20), kept=st.integers(0, 20))
    def verify_and_keep(self, last: int, drafted: list[int], kept: int) -> None:
        if len(self.text) >= WINDOW:
            return
        drafted = drafted[: self.verifier.room]
        kept = min(kept, len(drafted))
        rows = self.verifier.verify(last, Draft.chain(drafted))
        assert len(rows) == 1 + len(drafted)
        self.text = [*self.text, last, *drafted[:kept]]
        self.verifier.keep(len(self.text))
        self.logits = rows[kept]

    @invariant()
    def logits_are_those_of_a_fresh_pass(self) -> None:
        with torch.inference_mode():
            fresh = self.model(input_ids=torch.tensor([self.text])).logits[0, -1]
        scale = float(fresh.abs().max())
        assert float((fresh - self.logits).abs().max()) <= 1e-5 * max(1.0, scale)
        assert int(fresh.argmax()) == int(self.logits.argmax())


RollBack.TestCase.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, derandomize=True
)
TestRollBack = RollBack.TestCase
