"""Methods by name: a method makes its drafters from the rows that it may know beforehand."""

from collections.abc import Callable, Sequence

from peers.llma import LLMA
from peers.lookahead_trie import LookaheadTrie
from peers.prompt_lookup import PromptLookup
from peers.suffix_decoding import SuffixDecoding
from peers.vote_tree import VoteTree
from quoth.decoding import DecodingConfig
from quoth.decoding.drafting.protocol import Drafter
from quoth.decoding.drafting.selection import select_drafters
from replaying.rows import Row

Method = Callable[[Sequence[Row], DecodingConfig], Sequence[Drafter]]

_STOP_TOKENS = (11, 13, 220, 198)  # of Qwen2.5: comma, full stop, space, line feed


def _answers(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    return [row.answer for row in rows]


_METHODS: dict[str, Method] = {
    "plain": lambda _rows, config: select_drafters("none", config),
    PromptLookup.name: lambda _rows, _config: (PromptLookup(),),
    LLMA.name: lambda _rows, _config: (LLMA(),),
    LookaheadTrie.name: lambda rows, _config: (
        LookaheadTrie(stop_tokens=_STOP_TOKENS, outputs=_answers(rows)),
    ),
    SuffixDecoding.name: lambda rows, _config: (SuffixDecoding(outputs=_answers(rows)),),
    VoteTree.name: lambda _rows, _config: (VoteTree(),),
}


def method(name: str) -> Method:
    """A peer, or whatever `Decoder.generate(drafting=...)` takes; several joined by "+" are mixed.

    Of the rows that may be known, Quoth's own names learn nothing yet.
    """
    if name in _METHODS:
        return _METHODS[name]
    return lambda _rows, config: select_drafters(name.split("+"), config)


def folds(rows: Sequence[Row], number: int) -> list[tuple[list[Row], list[Row]]]:
    """Rows to measure, and the rows of other groups that may be known then.

    Groups are dealt to the folds in the order of their first row. One fold: nothing is known.
    """
    if number == 1:
        return [(list(rows), [])]
    groups = {
        name: place % number for place, name in enumerate(dict.fromkeys(r.group for r in rows))
    }
    return [
        (
            [row for row in rows if groups[row.group] == fold],
            [row for row in rows if groups[row.group] != fold],
        )
        for fold in range(number)
    ]
