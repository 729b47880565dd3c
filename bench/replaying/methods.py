"""Methods by name: what drafts, and what it may know of other rows beforehand."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from peers.llma import LLMA
from peers.lookahead_trie import LookaheadTrie
from peers.prompt_lookup import PromptLookup
from peers.suffix_decoding import SuffixDecoding
from peers.vote_tree import VoteTree
from quoth.decoding.drafting.lookahead import LookaheadDrafter
from quoth.decoding.drafting.lookahead_store import LookaheadStore
from quoth.decoding.drafting.phrase_building import build_phrases
from quoth.decoding.drafting.phrase_store import PhraseStore
from quoth.decoding.drafting.phrases import PhrasesDrafter
from quoth.decoding.drafting.protocol import Drafter
from replaying.rows import Row

Maker = Callable[[Sequence[Row]], Sequence[str | Drafter]]

_STOP_TOKENS = (11, 13, 220, 198)  # of Qwen2.5: comma, full stop, space, line feed


def _answers(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    return [row.answer for row in rows]


def _documents(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    """Each once."""
    found = (tuple(reference.token_ids) for row in rows for reference in row.references)
    return list(dict.fromkeys(found))


def _phrases(rows: Sequence[Row]) -> tuple[Drafter]:
    with tempfile.TemporaryDirectory() as folder:  # what is mapped stays when its name is gone
        path = Path(folder) / "phrases"
        build_phrases([*_documents(rows), *_answers(rows)], path, tokenizer="")
        return (PhrasesDrafter(PhraseStore.open(path, tokenizer="")),)


def _past(rows: Sequence[Row]) -> tuple[Drafter]:
    store = LookaheadStore()
    for document in _documents(rows):
        store.add(document, answer_start=len(document))
    for answer in _answers(rows):
        store.add(answer)
    return (LookaheadDrafter(store, own_text=False),)


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
    "phrases": _phrases,
    "past": _past,  # lookahead with a store, and not from the row's own text
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
