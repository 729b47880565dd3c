"""Methods by name: what drafts, and what it may know of other rows beforehand."""

from collections.abc import Callable, Sequence

from peers.llma import LLMA
from peers.lookahead_trie import LookaheadTrie
from peers.prompt_lookup import PromptLookup
from peers.suffix_decoding import SuffixDecoding
from peers.vote_tree import VoteTree
from quoth.decoding.drafting.protocol import Drafter
from replaying.rows import Row

Maker = Callable[[Sequence[Row]], Sequence[str | Drafter]]

_STOP_TOKENS = (11, 13, 220, 198)  # of Qwen2.5: comma, full stop, space, line feed


def _answers(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    return [row.answer for row in rows]


# A warm drafter is made here from the rows that it may know. It must not learn from the rows that
# it is measured on: they may be of one group.
_MAKERS: dict[str, Maker] = {
    "plain": lambda _: ("none",),
    PromptLookup.name: lambda _: (PromptLookup(),),
    LLMA.name: lambda _: (LLMA(),),
    LookaheadTrie.name: lambda rows: (
        LookaheadTrie(stop_tokens=_STOP_TOKENS, outputs=_answers(rows)),
    ),
    SuffixDecoding.name: lambda rows: (SuffixDecoding(outputs=_answers(rows)),),
    VoteTree.name: lambda _: (VoteTree(),),
}


def drafting(method: str, known: Sequence[Row]) -> list[str | Drafter]:
    """What `Decoder.generate(drafting=...)` takes; names joined by "+" are asked together.

    Names that are not in `_MAKERS` are left to Quoth, and know no other rows.

    Raises:
        ImportError: A peer is not installed.
    """
    asked: list[str | Drafter] = []
    for name in method.split("+"):
        asked += _MAKERS[name](known) if name in _MAKERS else (name,)
    return asked


def folds(rows: Sequence[Row], number: int) -> list[tuple[list[Row], list[Row]]]:
    """Rows to measure, and the rows of other groups that may be known then.

    Groups are dealt to the folds in the order of their first row. One fold: nothing is known.
    """
    if number == 1:
        return [(list(rows), [])]
    groups = dict.fromkeys(row.group for row in rows)
    fold_of = {group: place % number for place, group in enumerate(groups)}
    return [
        (
            [row for row in rows if fold_of[row.group] == fold],
            [row for row in rows if fold_of[row.group] != fold],
        )
        for fold in range(number)
    ]
