"""Whatever was appended and rolled back: the logits are those of reading the text that is left."""

import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.tiny_model import VOCABULARY, WINDOW, tiny_gpt2, tiny_llama, tiny_mistral, tiny_mpt
from quoth.decoding import DecodingConfig, Draft
from quoth.decoding.models.support import model_support

MODELS = {"llama": tiny_llama, "gpt2": tiny_gpt2, "mistral": tiny_mistral, "mpt": tiny_mpt}
FORKING = ("llama", "gpt2", "mistral")
tokens = st.integers(0, VOCABULARY - 1)


class RollBack(RuleBasedStateMachine):
    """Appends drafts and keeps any part of them; a small key block makes borders frequent."""

    @initialize(
        name=st.sampled_from(sorted(MODELS)), prompt=st.lists(tokens, min_size=1, max_size=40)
    )
    def read_prompt(self, name: str, prompt: list[int]) -> None:
        self.model = MODELS[name]()
        support = model_support(
            self.model,
            DecodingConfig(key_block=24, max_draft_tokens=20, prefill_chunk=7),
            window=WINDOW,
            vocabulary_size=VOCABULARY,
        )
        assert support.config.forks == (name in FORKING)
        self.verifier = support.new_verifier(self.model, window=WINDOW)
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

    @rule(
        last=tokens,
        tree=st.lists(st.tuples(tokens, st.integers(0, 20)), max_size=20),
        data=st.data(),
    )
    def verify_a_tree_and_keep_a_path(
        self, last: int, tree: list[tuple[int, int]], data: st.DataObject
    ) -> None:
        if len(self.text) >= WINDOW or not self.verifier.takes_trees:
            return
        tree = tree[: self.verifier.room]
        draft = Draft(
            tokens=tuple(token for token, _ in tree),
            parents=tuple(up % (node + 1) - 1 for node, (_, up) in enumerate(tree)),
            origins=(None,) * len(tree),
        )
        node = data.draw(st.integers(-1, len(tree) - 1))
        path = path_to(draft, node)
        rows = self.verifier.verify(last, draft)
        length = len(self.text) + 1
        self.text = [*self.text, last, *(draft.tokens[each] for each in path)]
        self.verifier.keep(length, path)
        self.logits = rows[node + 1]

    @invariant()
    def logits_are_those_of_a_fresh_pass(self) -> None:
        with torch.inference_mode():
            fresh = self.model(input_ids=torch.tensor([self.text])).logits[0, -1]
        scale = float(fresh.abs().max())
        assert float((fresh - self.logits).abs().max()) <= 1e-5 * max(1.0, scale)
        assert int(fresh.argmax()) == int(self.logits.argmax())


def path_to(draft: Draft, node: int) -> list[int]:
    """The nodes from the root down to `node`."""
    path: list[int] = []
    while node >= 0:
        path.insert(0, node)
        node = draft.parents[node]
    return path


RollBack.TestCase.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, derandomize=True
)
TestRollBack = RollBack.TestCase
