"""Which part of a draft survives: lossless by construction.

At each node the next token is taken from the model exactly as plain decoding would take it; then we
look whether a child of the node carries it. If so, descend; if not, stop. For drafts that are
guesses (not samples) this accepts with the same probability as rejection sampling, for chains and
for trees alike, and it needs no arithmetic on probabilities. Pure; knows no model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quoth.decoding.draft import ROOT, Draft
from quoth.errors import NoTokenError


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The model's own tokens, and the draft nodes that had guessed them.

    `nodes` is as long as `tokens`, or one shorter: then the last token was the model's alone.
    """

    tokens: tuple[int, ...]
    nodes: tuple[int, ...]


def follow(
    draft: Draft,
    choose: Callable[[int], int],  # node -> the token that the model puts after it
    ends: Callable[[int], bool],  # token -> whether the text ends with it
    is_cut: Callable[[], bool] = lambda: False,  # whether the rest of the draft is void
) -> Accepted:
    """Walk down the draft as far as the model agrees.

    `choose` and `ends` are called once per token, in order, as plain decoding would call them.
    """
    node = ROOT
    tokens: list[int] = []
    nodes: list[int] = []
    while True:
        try:
            token = choose(node)
        except NoTokenError:
            if not tokens or is_cut():
                raise
            break  # those before it stand; the error comes again when its position is reached
        tokens.append(token)
        child = None if is_cut() else draft.child(node, token)
        if child is not None:
            nodes.append(child)
        if ends(token) or child is None:
            break
        node = child
    return Accepted(tokens=tuple(tokens), nodes=tuple(nodes))


def judge(draft: Draft, token_ids: Sequence[int]) -> list[tuple[int, bool]]:
    """Which nodes of a draft the emitted tokens tell of, and whether each was right.

    A node is judged if all above it were right and a token was emitted in its place; it need not
    have been verified. Parents come first.
    """
    depths = {ROOT: 0}  # of the nodes that were right
    judged: list[tuple[int, bool]] = []
    for node, parent in enumerate(draft.parents):
        depth = depths.get(parent)
        if depth is None or depth >= len(token_ids):
            continue
        was_right = token_ids[depth] == draft.tokens[node]
        if was_right:
            depths[node] = depth + 1
        judged.append((node, was_right))
    return judged
