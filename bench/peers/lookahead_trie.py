"""Lookahead's trie cache (Zhao et al., arXiv 2312.12728; alipay/PainlessInferenceAcceleration).

A behaviour, written anew: one trie per first token, each with the `branch_length` tokens that
followed it, counted apart for prompt and output. The last two tokens are looked up, then the last
one if fewer than `branch_length` nodes were found. Counts of the prompt rank, those of outputs
break ties. At most `decoding_length` nodes are drafted, depth first, the most frequent first.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from quoth.decoding.draft import ROOT, Draft
from quoth.decoding.drafting.protocol import Outcome, ReferenceTokens

_OUTPUT_WEIGHT = 1e-4
_QUERY = 2


@dataclass(slots=True)
class _Node:
    """How often it was seen in the prompt and in outputs, and what followed."""

    inputs: float = 0.0
    outputs: float = 0.0
    children: dict[int, "_Node"] = field(default_factory=dict)

    @property
    def mixed(self) -> float:
        return (1 - _OUTPUT_WEIGHT) * self.inputs + _OUTPUT_WEIGHT * self.outputs


_Roots = dict[int, _Node]


class LookaheadTrie:
    """Lookahead with hierarchical branches; cold, or warmed with texts of earlier outputs.

    Args:
        decoding_length: The most nodes of a draft.
        branch_length: The deepest.
        stop_tokens: Are not looked up alone (comma, full stop, space, line feed).
        outputs: Earlier answers.
    """

    name = "lookahead-trie"

    def __init__(
        self,
        *,
        decoding_length: int = 64,
        branch_length: int = 12,
        stop_tokens: Collection[int] = (),
        outputs: Sequence[Sequence[int]] = (),
    ) -> None:
        self.decoding_length = decoding_length
        self.branch_length = branch_length
        self.stop_tokens = frozenset(stop_tokens)
        self.warm: _Roots = {}
        for output in outputs:
            insert(self.warm, output, branch_length, is_output=True)

    def start(
        self,
        prompt: Sequence[int],
        references: Sequence[ReferenceTokens],  # noqa: ARG002
    ) -> "LookaheadSession":
        """References are known only where they stand in the prompt."""
        return LookaheadSession(self, prompt)


def insert(roots: _Roots, tokens: Sequence[int], branch_length: int, *, is_output: bool) -> None:
    """Count the branch that begins at each token."""
    for start, token in enumerate(tokens):
        node = roots.setdefault(token, _Node())
        for follower in tokens[start + 1 : start + 1 + branch_length]:
            node = node.children.setdefault(follower, _Node())
            if is_output:
                node.outputs += 1
            else:
                node.inputs += 1


class LookaheadSession:
    """The trie of one sequence, over the warm one that is never changed."""

    def __init__(self, settings: LookaheadTrie, prompt: Sequence[int]) -> None:
        self._settings = settings
        self._own: _Roots = {}
        insert(self._own, prompt, settings.branch_length, is_output=False)
        self._tail = list(prompt[-_QUERY:])
        self._waiting: list[int] = []  # of the output; a branch is inserted once it is whole

    def propose(self, budget: int) -> Draft:
        """The most frequent branches behind the last tokens."""
        settings = self._settings
        size = min(settings.decoding_length, budget)
        best: list[tuple[int, int]] = []
        for length in range(min(_QUERY, len(self._tail)), 0, -1):
            query = self._tail[-length:]
            if length == 1 and query[0] in settings.stop_tokens:
                continue
            found = _ravel(self._after(query), size, settings.branch_length)
            best = found or best
            if 1 + len(found) >= settings.branch_length:
                break
        return Draft(
            tokens=tuple(token for token, _ in best),
            parents=tuple(parent for _, parent in best),
            origins=(None,) * len(best),
        )

    def observe(self, outcome: Outcome) -> None:
        """Insert the branches that the new tokens complete."""
        self._tail = [*self._tail, *outcome.token_ids][-_QUERY:]
        self._waiting += outcome.token_ids
        branch = self._settings.branch_length
        while len(self._waiting) > branch:
            root = self._own.setdefault(self._waiting[0], _Node())
            for follower in self._waiting[1 : branch + 1]:
                root = root.children.setdefault(follower, _Node())
                root.outputs += 1
            del self._waiting[0]

    def _after(self, query: Sequence[int]) -> _Node:
        """The merged continuations of the query in the own trie and the warm one."""
        found = [_descend(roots, query) for roots in (self._own, self._settings.warm)]
        present = [node for node in found if node is not None]
        return _merged(present) if len(present) != 1 else present[0]


def _descend(roots: _Roots, query: Sequence[int]) -> _Node | None:
    node = roots.get(query[0])
    for token in query[1:]:
        node = node.children.get(token) if node else None
    return node


def _merged(nodes: Sequence[_Node]) -> _Node:
    merged = _Node(
        inputs=sum(node.inputs for node in nodes), outputs=sum(node.outputs for node in nodes)
    )
    tokens = dict.fromkeys(token for node in nodes for token in node.children)
    for token in tokens:
        parts = [node.children[token] for node in nodes if token in node.children]
        merged.children[token] = parts[0] if len(parts) == 1 else _merged(parts)
    return merged


def _ravel(root: _Node, size: int, depth: int) -> list[tuple[int, int]]:
    """Tokens and parents of the nodes to draft."""
    frequent = _threshold(root, size)
    taken: list[tuple[int, int]] = []

    def visit(node: _Node, parent: int, depth: int) -> None:
        ranked = sorted(node.children.items(), key=lambda item: item[1].mixed, reverse=True)
        for token, child in ranked:
            if len(taken) >= size:
                return
            if frequent(child):
                taken.append((token, parent))
                if depth > 1:
                    visit(child, len(taken) - 1, depth - 1)

    visit(root, ROOT, depth)
    return taken


def _threshold(root: _Node, size: int) -> Callable[[_Node], bool]:
    """Which nodes are frequent enough, with half of the places kept for outputs."""
    nodes: list[_Node] = []
    waiting = list(root.children.values())
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.children.values()
    if len(nodes) <= size:
        return lambda _: True
    outputs = sorted((node.outputs for node in nodes), reverse=True)
    lowest_output = max(outputs[size // 2 - 1], 1.0)
    reserved = sum(node.outputs >= lowest_output for node in nodes)
    mixed = sorted((node.mixed for node in nodes), reverse=True)
    lowest = mixed[max(size - reserved, 1) - 1]
    return lambda node: node.outputs >= lowest_output or node.mixed >= lowest
