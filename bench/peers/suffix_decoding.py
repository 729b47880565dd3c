"""Arctic Inference's suffix decoding (arXiv 2411.04975), with its own suffix trees.

Needs `arctic_inference.suffix_decoding` (PyPI: arctic-inference 0.1.2, Apache-2.0). There is no
wheel, and its build wants a certain torch, which the suffix trees do not use. They can be built
alone, from the source archive, with nanobind and a C++20 compiler:

    cmake -S csrc/suffix_decoding -B build -DPython_EXECUTABLE=$(which python)
    cmake --build build

and then need only `arctic_inference/suffix_decoding/*.py` and the built `_C` beside them.

As its engine does: a local tree over prompt and output, a global one over earlier answers; of the
two drafts the one with the higher score is taken; chains only.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from quoth.decoding.draft import NO_DRAFT, Draft
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens

_DEPTH = 64
_LOCAL, _NOBODY = "sequence", "nobody"


class SuffixDecoding:
    """Suffix decoding with the defaults of its plugin: depth 64, factor 1, probability 0.1.

    Args:
        outputs: Earlier answers, for the global tree.

    Raises:
        ImportError: arctic_inference is not installed.
    """

    name = "arctic-suffix"

    def __init__(self, *, outputs: Sequence[Sequence[int]] = ()) -> None:
        self._cache_type = import_module("arctic_inference.suffix_decoding").SuffixDecodingCache
        self._global: Any = None
        if outputs:
            self._global = self._cache_type(max_tree_depth=_DEPTH)
            for number, output in enumerate(outputs):
                self._global.start_request(number, [])
                self._global.add_active_response(number, list(output))
                self._global.stop_request(number)
            self._global.start_request(_NOBODY, [])

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002
    ) -> "SuffixSession":
        """References are known only where they stand in the prompt."""
        local = self._cache_type(max_tree_depth=_DEPTH, max_cached_requests=0)
        local.start_request(_LOCAL, list(prompt))
        return SuffixSession(local, self._global, list(prompt[-_DEPTH:]))


class SuffixSession:
    """The local tree of one sequence."""

    def __init__(self, local: Any, shared: Any, tail: list[int]) -> None:  # noqa: ANN401 - untyped
        self._local = local
        self._shared = shared
        self._tail = tail

    def propose(self, budget: int) -> Draft:
        """The chain with the higher score."""
        limit = min(budget, _DEPTH)
        draft = self._local.speculate(_LOCAL, self._tail, max_spec_tokens=limit)
        if self._shared is not None:
            other = self._shared.speculate(_NOBODY, self._tail, max_spec_tokens=limit)
            draft = other if other.score > draft.score else draft
        return Draft.chain(draft.token_ids) if draft.token_ids else NO_DRAFT

    def observe(self, outcome: Outcome) -> None:
        """Let the tree grow."""
        self._local.add_active_response(_LOCAL, list(outcome.token_ids))
        self._tail = [*self._tail, *outcome.token_ids][-_DEPTH:]
