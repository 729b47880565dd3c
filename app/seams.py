"""Where two quotes of one source meet in an answer and do not follow each other in the source.

Side by side, in one colour, they look like a single quote that nobody wrote. Whoever shows an
answer shows a mark there; the answer's text stays as it is. Pure functions on values.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from quoth.app.events import ScoredPassage
from quoth.types import Citation

SEAM_MARK: Final = "…"
_WORD: Final = re.compile(r"\w")


def seams(
    text: str, citations: Sequence[Citation], passages: Iterable[ScoredPassage]
) -> tuple[int, ...]:
    """The offsets of the answer at which the source is cut, ascending.

    Words of the model itself between two quotes keep them apart already; space and punctuation do
    not. Nor do they cut a source: a line break that the answer leaves out is no seam.

    Args:
        text: The answer.
        citations: By start; they do not overlap.
        passages: Those that were handed to the model: what stands between two quotes is read there.
    """
    known = tuple(passages)
    return tuple(
        following.start
        for earlier, following in pairwise(citations)
        if earlier.source_id == following.source_id
        and not _WORD.search(text[earlier.end : following.start])
        and not _goes_on(earlier, following, known)
    )


def _goes_on(earlier: Citation, following: Citation, passages: Iterable[ScoredPassage]) -> bool:
    """Whether no word stands between the two in the source."""
    start, end = earlier.source_end, following.source_start
    if end < start:
        return False
    for passage in (scored.passage for scored in passages):
        if (
            passage.document_id == earlier.source_id
            and passage.start <= start <= end <= passage.end
        ):
            return not _WORD.search(passage.text[start - passage.start : end - passage.start])
    return end - start == following.start - earlier.end  # not at hand: an earlier turn
